/*
 * session: the life of an SMTP connection: reading, waiting, timeouts, closing.
 *
 * For each readable event the session reads once, runs every complete command, and sends all replies with one
 * write (RFC 2920). While it waits, or while its client does not read the replies, it does not read the
 * socket. A client can therefore occupy no more memory than one read buffer.
 */
#include "smtp/server/session.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>
#include "base/clock.h"
#include "base/id.h"
#include "base/mem.h"
#include "metrics/budget.h"
#include "throttle/session_limits.h"
#include "smtp/server/session_tls.h"
#include "smtp/server/smtps_call.h"
#include "smtp/server/worker.h"

enum {
    READ_COMMAND = 16 * 1024, /* bytes per read, except within content */
    /* maximum bytes of an overlong command line that are discarded before the session is closed */
    SKIP_MAX = 1024 * 1024,
    REPLIES_MAX = 16 * 1024,     /* maximum bytes of unsent replies; no command runs above it */
    PROGRESS_UNIT = 1024,        /* bytes of content that renew idle_time */
    LINGER_MS = 5000,            /* time for the client to read the last reply */
    LINGER_MAX = 4 * 1024 * 1024 /* bytes that it may still send in that time */
};

/* ---- time ------------------------------------------------------------------------------------ */

static void on_timer(uv_timer_t *timer);

/*
 * Does not restart the timer for every command: the timer fires at the earliest deadline that it was set for
 * and checks again. It is restarted only if it was set for a later time (the wait for a hook, for example).
 */
void session_renew_deadline(struct smtps_session *session)
{
    uint64_t milliseconds = (uint64_t)session->policy->idle_time * 1000;
    if (session->state == SESSION_CLOSING || session->state == SESSION_WAITING)
        return; /* a different deadline applies, or none */
    session->time_is_up = NULL;
    session->progress = 0;
    session->last_chance = false;
    session->deadline = milliseconds ? loop_now(session->worker->loop) + milliseconds : 0;
    if (milliseconds && (!session->timer_running || uv_timer_get_due_in(&session->timer) > milliseconds)) {
        session->timer_running = true;
        uv_timer_start(&session->timer, on_timer, milliseconds, 0);
    }
}

void session_set_time(struct smtps_session *session, uint64_t milliseconds, session_event_fn *run)
{
    session->time_is_up = run;
    session->timer_running = true;
    session->deadline = loop_now(session->worker->loop) + milliseconds;
    uv_timer_start(&session->timer, on_timer, milliseconds, 0);
}

/*
 * Returns whether the session may read once more after its deadline: there is input, and the loop may have
 * been too busy to read it in time.
 */
static bool deserves_last_chance(struct smtps_session *session)
{
    char byte;
    return !session->last_chance && session->stream.reading && !session->stream.blocked &&
           stream_peek(&session->stream, &byte, 1) > 0;
}

static void on_timer(uv_timer_t *timer)
{
    struct smtps_session *session = timer->data;
    uint64_t now = loop_now(session->worker->loop);
    session->timer_running = false;
    if (session->deadline == 0)
        return;
    if (now < session->deadline) {
        session->timer_running = true;
        uv_timer_start(timer, on_timer, session->deadline - now, 0);
    } else if (session->time_is_up) {
        session_event_fn *run = session->time_is_up;
        session->time_is_up = NULL;
        session->deadline = 0;
        run(session);
    } else if (session->state == SESSION_CLOSING || stream_is_securing(&session->stream)) {
        session_abort(session);
    } else if (session->state != SESSION_WAITING && deserves_last_chance(session)) {
        session->last_chance = true;
        session->timer_running = true;
        uv_timer_start(timer, on_timer, 1, 0);
    } else if (session->state != SESSION_WAITING) {
        session_reply(session, &reply_idle);
        session_close(session);
    }
}

/* ---- the end --------------------------------------------------------------------------------- */

void session_let_go(struct smtps_session *session)
{
    if (--session->open_handles > 0)
        return;
    struct smtp_server *server = session->worker->server;
    free(session->hello_name);
    free(session->user);
    free(session->right_before);
    smtp_generation_unref(session->generation);
    free(session);
    atomic_fetch_sub(&server->sessions, 1);
    budget_give(BUDGET_CLIENTS, 1);
    server_release(server);
}

static void on_stream_closed(struct stream *stream)
{
    session_let_go(container_of(stream, struct smtps_session, stream));
}

static void on_timer_closed(uv_handle_t *handle)
{
    session_let_go(handle->data);
}

void session_ask_about(struct smtps_session *session, struct message_recipient *recipient)
{
    struct message *message = session->view.message;
    message->in_question = recipient;
    message->changes++; /* each recipient has its own form of the message */
}

void session_reset_transaction(struct smtps_session *session)
{
    session->view.message = NULL; /* first, because it ends with the transaction */
    session->protocol->reset(session);
    session->hooks_due = 0;
}

void session_abort(struct smtps_session *session)
{
    if (session->stream.closing)
        return;
    session->state = SESSION_CLOSING;
    hook_call_cancel(&session->view.call); /* first: `cancelled` may read the message and the exchange */
    session_tell(session, POINT_SESSION_ENDED, NULL);
    if (!session_hold(session)) {
        session_reset_transaction(session);
        imp_session_release(&session->view);
    }
    if (session->slots)
        session_limits_give(session->slots);
    session->slots = NULL;
    list_remove(&session->link);
    uv_close((uv_handle_t *)&session->timer, on_timer_closed);
    stream_close(&session->stream);
}

/*
 * Called when the kernel has all output. Closing with unread input would send a reset, which can destroy the
 * last reply in transit.
 */
static void flushed_last_reply(struct smtps_session *session)
{
    stream_finish(&session->stream);
    session->skipped = 0;
    stream_read_start(&session->stream);
}

void session_close(struct smtps_session *session)
{
    if (session->state == SESSION_CLOSING)
        return;
    session->state = SESSION_CLOSING;
    session->waiting_for_turn = false;
    session->time_is_up = NULL;
    hook_call_cancel(&session->view.call);
    if (!session_hold(session))
        session_reset_transaction(session);
    stream_unwatch_end(&session->stream);
    session->timer_running = true;
    session->deadline = loop_now(session->worker->loop) + LINGER_MS;
    uv_timer_start(&session->timer, on_timer, LINGER_MS, 0);
    int flushed = stream_flush(&session->stream);
    if (flushed < 0)
        session_abort(session);
    else if (flushed == 1)
        flushed_last_reply(session);
    else
        stream_read_stop(&session->stream);
}

static void discard_until_end(struct smtps_session *session)
{
    ssize_t got = stream_fill(&session->stream, READ_COMMAND);
    if (got == -EAGAIN)
        return;
    buf_clear(&session->stream.in);
    session->skipped += got > 0 ? (uint64_t)got : 0;
    if (got <= 0 || session->skipped > LINGER_MAX)
        session_abort(session);
}

void session_leave(struct smtps_session *session)
{
    session->leave = true;
    if (session->state == SESSION_OPENING) { /* the client does not expect SMTP yet */
        session_abort(session);
    } else if (session->state == SESSION_READING || session->waiting_for_turn) {
        session_reply(session, &reply_shutdown);
        session_close(session);
    } else if (session->waiting_for_hook) {
        session_hurry_hook(session);
    } else if (session->call) {
        smtps_call_hurry(session);
    }
}

/* ---- waiting --------------------------------------------------------------------------------- */

void session_wait(struct smtps_session *session)
{
    session->state = SESSION_WAITING;
    session->waiting_for_turn = session->waiting_for_spool = false;
    session->deadline = 0;
    session->time_is_up = NULL;
}

void session_wait_for_spool(struct smtps_session *session)
{
    session_wait(session);
    session->waiting_for_spool = true;
}

void session_end_wait(struct smtps_session *session)
{
    session->state = SESSION_READING;
    session->waiting_for_turn = session->waiting_for_spool = false;
    session->time_is_up = NULL;
    session->deadline = 0;
}

void session_resume(struct smtps_session *session)
{
    if (session->state == SESSION_WAITING)
        session_end_wait(session);
    session_process(session);
}

/* ---- input ----------------------------------------------------------------------------------- */

static void refuse_long_line(struct smtps_session *session)
{
    session_line_fn *run = session->read_line;
    session->read_line = NULL;
    if (run) {
        run(session, slice_of(NULL, 0));
    } else {
        session_reply(session, &reply_line_too_long);
        session_count_error(session);
    }
}

static void skip_input(struct smtps_session *session, size_t size, bool line_ended)
{
    bool begins = !session->skip_line && !session->read_line;
    if (begins && session->protocol->announces_content(buf_slice(&session->stream.in))) {
        refuse_long_line(session);
        session_close(session);
        return;
    }
    buf_consume(&session->stream.in, size);
    session->skipped += size;
    session->skip_line = !line_ended;
    if (line_ended || session->skipped > SKIP_MAX) {
        refuse_long_line(session);
        if (session->skipped > SKIP_MAX)
            session_close(session);
        session->skipped = 0;
    }
}

static size_t line_max(const struct smtps_session *session, struct slice input)
{
    return session->read_line || session->protocol->is_long(input) ? DIALOGUE_LINE_MAX : COMMAND_LINE_MAX;
}

/*
 * Runs one command line, or discards one that is too long. Returns false if the input has no complete line.
 */
static bool read_command(struct smtps_session *session)
{
    struct slice input = buf_slice(&session->stream.in);
    const char *feed = memchr(input.data, '\n', input.size);
    size_t size = feed ? (size_t)(feed - input.data) + 1 : input.size;
    /* bytes; a bare LF ends a command as well */
    size_t end = feed && (size == 1 || feed[-1] != '\r') ? 1 : 2;
    if (session->skip_line || size > line_max(session, input) + end) {
        skip_input(session, size, feed != NULL);
        return feed != NULL;
    }
    if (!feed)
        return false;
    struct slice line = slice_of(input.data, size - 1);
    if (line.size > 0 && line.data[line.size - 1] == '\r')
        line.size--;
    session_line_fn *run = session->read_line ? session->read_line : session->protocol->command;
    session->read_line = NULL;
    session->command = line;
    run(session, line);
    session->command = slice_of(NULL, 0);
    if (!session->stream.closing)
        buf_consume(&session->stream.in, size);
    session_renew_deadline(session);
    return true;
}

void session_read_line(struct smtps_session *session, session_line_fn *run)
{
    session->read_line = run;
}

void session_receive(struct smtps_session *session, session_content_fn *take)
{
    session->content = take;
    session->state = SESSION_RECEIVING;
}

static void read_content(struct smtps_session *session)
{
    size_t used = session->content(session, buf_slice(&session->stream.in));
    if (session->stream.closing)
        return;
    buf_consume(&session->stream.in, used);
    session->progress += used;
    if (session->progress >= PROGRESS_UNIT)
        session_renew_deadline(session);
    if (session->state == SESSION_WAITING) /* all of it has come; the client waits for the spool */
        stream_trim(&session->stream);
}

/* Sends the replies of the commands and decides whether to continue reading the socket. */
static void settle(struct smtps_session *session)
{
    if (session->state == SESSION_WAITING && session->waiting_for_spool && !session->holds_answer)
        return;
    session->holds_answer = false;
    int flushed = stream_flush(&session->stream);
    if (flushed < 0) {
        session_abort(session);
        return;
    }
    bool congested = session->state == SESSION_RECEIVING && session->protocol->congested(session);
    if (session->state == SESSION_WAITING)
        return; /* most clients wait as well; on_readable stops reading if this one does not */
    if (flushed == 1 && !congested)
        stream_read_start(&session->stream);
    else
        stream_read_stop(&session->stream);
    if (session->deadline == 0)
        session_renew_deadline(session);
    if (session->state == SESSION_RECEIVING || session->state == SESSION_READING)
        session->protocol->settled(session);
    stream_trim(&session->stream);
}

/* Short commands can have long replies. Limits how much is stored for a client that does not read them. */
static bool replies_are_stuck(struct smtps_session *session)
{
    return buf_size(&session->stream.out) >= REPLIES_MAX && stream_flush(&session->stream) != 1;
}

void session_process(struct smtps_session *session)
{
    if (session->stream.blocked) { /* on_drained continues */
        if (session->deadline == 0)
            session_renew_deadline(session); /* also gives up a client that does not read */
        return;
    }
    while (buf_size(&session->stream.in) > 0 && !replies_are_stuck(session)) {
        if (session->state == SESSION_RECEIVING && session->protocol->congested(session))
            break; /* of an earlier chunk of the message */
        if (session->state == SESSION_RECEIVING)
            read_content(session);
        else if (session->state != SESSION_READING || !read_command(session))
            break;
    }
    if (session->state == SESSION_READING && session->leave) {
        session_reply(session, &reply_shutdown);
        session_close(session);
    }
    if (session->state != SESSION_CLOSING)
        settle(session);
}

static void on_readable(struct stream *stream)
{
    struct smtps_session *session = container_of(stream, struct smtps_session, stream);
    if (session->state == SESSION_CLOSING) {
        discard_until_end(session);
        return;
    }
    if (session->state == SESSION_OPENING) {
        session->opening(session);
        return;
    }
    if (session->state == SESSION_WAITING) {
        stream_read_stop(stream);
        return;
    }
    ssize_t got =
        stream_fill(stream, session->state == SESSION_RECEIVING ? session->protocol->content_size(session)
                                                                : READ_COMMAND);
    if (got > 0)
        session_process(session);
    else if (got != -EAGAIN)
        session_lost(session);
}

static void on_drained(struct stream *stream)
{
    struct smtps_session *session = container_of(stream, struct smtps_session, stream);
    if (session->state == SESSION_CLOSING)
        flushed_last_reply(session);
    else
        session_process(session);
}

const struct stream_handler session_stream_handler = {.readable = on_readable,
                                                      .drained = on_drained,
                                                      .ended = session_ended,
                                                      .closed = on_stream_closed,
                                                      .secured = session_tls_secured};
