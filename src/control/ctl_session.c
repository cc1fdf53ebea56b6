/*
 * ctl_session: one connection to the console: reads lines, runs commands, and goes on when an answer is sent.
 */
#include "control/ctl_session_private.h"

#include <stdlib.h>
#include <string.h>
#include "base/mem.h"
#include "control/ctl_call_private.h"
#include "control/line.h"
#include "control/output.h"

enum {
    READ_SIZE = 16 * 1024,
    LOGIN_LINE_MAX = 8 * 1024,        /* maximum bytes of a line before the login */
    SKIP_MAX = 16 * CONTROL_LINE_MAX, /* maximum bytes of an overlong line that are discarded before the
                                         session is closed */
    ROOM_MIN = 1024 * 1024,           /* minimum memory left for output; below it no command begins */
    PART_MAX = 256 * 1024,            /* maximum bytes written at once of an answer in parts */
    AHEAD_MAX = 64 * 1024,            /* bytes read ahead while a command runs */
    ALIVE_MS = 1000, /* interval of checks whether a client that has closed its side still listens */
};

static void proceed(struct ctl_session *session);
static void take_part(struct ctl_session *session);
static void give_room(uv_handle_t *handle, size_t suggested, uv_buf_t *room);
static void on_read(uv_stream_t *stream, ssize_t size, const uv_buf_t *room);

/* ---- commands -------------------------------------------------------------------------------- */

/* Called when the command has no output. The client may leave or send more lines. */
static void work(struct ctl_session *session)
{
    session->state = CTL_WORKING;
    if (session->leaving)
        return;
    ctl_session_set_timer(session, session->ended ? ALIVE_MS : 0);
    if (!session->ended && buf_size(&session->in) < AHEAD_MAX)
        uv_read_start(&session->stream, give_room, on_read);
}

/* Sends the next part of the answer, or its end. */
static void take_part(struct ctl_session *session)
{
    struct buf text = {0};
    enum ctl_progress progress = ctl_call_take(session->call, &text, PART_MAX);
    ctl_session_append(session, buf_slice(&text));
    buf_release(&text);
    if (progress == CTL_GOES_ON && buf_size(&session->out) == 0) {
        work(session);
        return;
    }
    if (progress == CTL_OVERRUN)
        ctl_session_append(session, SLICE_LITERAL("The output is too long for this console.\n"));
    if (progress != CTL_GOES_ON) {
        buf_append_text(&session->out, progress == CTL_DONE ? "OK\n" : "ERR\n");
        ctl_call_leave(session->call);
        session->call = NULL;
    }
    ctl_session_send(session);
}

static void look_at_call(void *closure)
{
    struct ctl_session *session = closure;
    if (session->state == CTL_WORKING)
        take_part(session);
}

static void run_line(struct ctl_session *session, const struct access *access, struct slice line)
{
    size_t unread = session->control->unread, room = unread < UNREAD_MAX ? UNREAD_MAX - unread : 0;
    struct output output;
    struct line_later later = {.look = look_at_call, .session = session};
    if (room < ROOM_MIN) {
        ctl_session_answer(session, false,
                           SLICE_LITERAL("Other sessions have not read their answers; try again later.\n"));
        return;
    }
    output_open(&output, room < OUTPUT_MAX ? room : OUTPUT_MAX);
    bool done = line_run(session->control, &session->who, access, line, output.stream, &later);
    output_close(&output);
    session->call = later.call;
    if (later.call)
        work(session); /* output is taken in a later turn */
    else if (output.full)
        ctl_session_answer(session, false, SLICE_LITERAL("The output is too long for this console.\n"));
    else
        ctl_session_answer(session, done, buf_slice(&output.text));
    buf_release(&output.text);
}

static void take_line(struct ctl_session *session, struct slice line)
{
    struct access access;
    session->state = CTL_ANSWERING;
    if (line.size > 0 && line.data[line.size - 1] == '\r')
        line.size--;
    if (!ctl_session_find_access(session, &access))
        ctl_session_turn_away(session, "The configuration has no such Listen any more\n");
    else if (access.denied || (access.authenticate && session->who.user && !session->by_password))
        ctl_session_turn_away(session, "This client may not use the console any more\n");
    else if (session->who.user)
        run_line(session, &access, line);
    else
        ctl_session_login_line(session, line);
}

/* ---- reading --------------------------------------------------------------------------------- */

static size_t line_limit(const struct ctl_session *session)
{
    return session->who.user ? CONTROL_LINE_MAX : LOGIN_LINE_MAX;
}

/*
 * Discards `size` bytes of an overlong line, possibly including its end. Returns true if the line was
 * answered.
 */
static bool skip_line(struct ctl_session *session, size_t size, bool is_end)
{
    session->skipped += size;
    session->skipping = !is_end;
    buf_consume(&session->in, size);
    if (!is_end && session->who.user && session->skipped <= SKIP_MAX)
        return false;
    if (is_end)
        session->skipped = 0;
    else
        session->leaving = true;
    ctl_session_answer(session, false, SLICE_LITERAL("The line is too long\n"));
    return true;
}

/* Answers the next line, if it is complete. */
static bool next_line(struct ctl_session *session)
{
    struct slice in = buf_slice(&session->in);
    const char *end = in.size ? memchr(in.data, '\n', in.size) : NULL;
    size_t size = end ? (size_t)(end - in.data) : in.size;
    if (session->skipping || size > line_limit(session))
        return skip_line(session, end ? size + 1 : size, end != NULL);
    if (!end)
        return false;
    char *line = mem_copy_text(in.data, size);
    buf_consume(&session->in, size + 1);
    take_line(session, slice_of(line, size));
    free(line);
    return true;
}

static void give_room(uv_handle_t *handle, size_t suggested, uv_buf_t *room)
{
    struct ctl_session *session = handle->data;
    (void)suggested;
    *room = uv_buf_init(buf_reserve(&session->in, READ_SIZE), READ_SIZE);
}

static void on_read(uv_stream_t *stream, ssize_t size, const uv_buf_t *room)
{
    struct ctl_session *session = stream->data;
    (void)room;
    if (size < 0 && size != UV_EOF) {
        ctl_session_hang_up(session);
        return;
    }
    if (size > 0) {
        buf_commit(&session->in, (size_t)size);
        if (session->state != CTL_WORKING)
            ctl_session_renew(session);
        else if (buf_size(&session->in) >= AHEAD_MAX)
            uv_read_stop(stream);
    } else if (size == UV_EOF) {
        session->ended = true;
        if (session->state == CTL_WORKING && !session->leaving)
            ctl_session_set_timer(session, ALIVE_MS);
    }
    proceed(session);
}

static void proceed(struct ctl_session *session)
{
    if (session->state != CTL_READING || next_line(session))
        return;
    if (buf_size(&session->in) == 0)
        buf_release(&session->in);
    int error = session->ended ? UV_EOF : uv_read_start(&session->stream, give_room, on_read);
    if (error < 0 && error != UV_EALREADY)
        ctl_session_hang_up(session);
}

/* ---- what comes next ------------------------------------------------------------------------- */

static void on_sent(struct ctl_session *session)
{
    if (session->call) {
        take_part(session);
        return;
    }
    ctl_session_renew(session);
    proceed(session);
}

static void on_time(struct ctl_session *session)
{
    size_t waiting = uv_stream_get_write_queue_size(&session->stream);
    if (session->state == CTL_DELAYING) {
        ctl_session_give_up_login(session);
    } else if (session->state == CTL_WORKING && !session->leaving) {
        buf_append_text(&session->out, "= 0\n");
        ctl_session_send(session);
    } else if (session->state == CTL_ANSWERING && !session->leaving && waiting < session->unsent) {
        session->unsent = waiting; /* the client is slow, but reads */
        ctl_session_renew(session);
    } else {
        if (!session->who.user && !session->leaving)
            ctl_session_log_timeout(session);
        ctl_session_hang_up(session);
    }
}

static const struct ctl_session_events events = {.sent = on_sent, .time_is_up = on_time};

void ctl_session_begin(struct ctl_session *session)
{
    session->events = &events;
}

/* ---- from outside ----------------------------------------------------------------------------- */

void control_session_leave(struct list_node *node)
{
    struct ctl_session *session = container_of(node, struct ctl_session, link);
    session->leaving = true;
    if (session->state == CTL_ANSWERING || session->state == CTL_WORKING)
        ctl_session_set_timer(session, CTL_LEAVE_MS);
    else
        ctl_session_hang_up(session);
}

void control_session_give_up(struct list_node *node)
{
    struct ctl_session *session = container_of(node, struct ctl_session, link);
    if (session->call && !ctl_call_is_finished(session->call))
        ctl_session_hang_up(session);
}

const char *control_session_endpoint(const struct list_node *node)
{
    return container_of(node, const struct ctl_session, link)->who.endpoint;
}
