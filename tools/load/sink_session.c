/*
 * A session of impulse-sink: reads commands and content, asks the fault plan at each point, and answers.
 *
 * A reply takes effect (a recipient is accepted, content follows) when it is given, in `give_reply`. So there is one
 * place where a rule can delay the reply, change it, or close the connection instead.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include "base/mem.h"
#include "tools/load/ledger.h"
#include "tools/load/sink_session.h"

enum { MOST_LINE = 4096, REPLY_SIZE = 512 };

static void on_timer_closed(uv_handle_t *timer);

static struct sink_session *session_of(struct wire *wire)
{
    return container_of(wire, struct sink_session, wire);
}

/* ---- transactions ------------------------------------------------------------------------------ */

void sink_session_forget(struct sink_session *session)
{
    session->counted = session->has_sender = session->in_content = session->ended = false;
    session->recipient_count = 0;
    session->content_size = 0;
    session->reading = READ_COMMANDS;
    buf_clear(&session->recipients);
}

void sink_session_begin_content(struct sink_session *session, enum reading reading)
{
    session->reading = reading;
    if (session->in_content)
        return;
    session->in_content = true;
    memcpy(session->before, "\r\n", 2);
    stamp_reader_begin(&session->stamp);
}

/* Counts a message whose whole content has arrived. `code` is the reply; 0 if the connection ends without one. */
static void account(struct sink_session *session, unsigned code)
{
    struct sink_thread *thread = session->thread;
    struct sink_counts *counts = &thread->counts;
    enum stamp_verdict verdict = stamp_reader_end(&session->stamp);
    if (code == 0) {
        counter_add(&counts->unanswered, 1);
    } else if (code >= 400) {
        counter_add(&counts->refused, 1);
    } else {
        counter_add(&counts->messages, 1);
        counter_add(&counts->recipients, session->recipient_count);
        if (!thread->sink->settings.no_verify)
            counter_add(verdict == STAMP_WHOLE     ? &counts->whole
                        : verdict == STAMP_ALTERED ? &counts->altered
                                                   : &counts->unstamped,
                        1);
    }
    if (thread->sink->ledger >= 0) {
        ledger_begin_received(&thread->lines, &session->stamp.stamp, verdict, code);
        buf_append_slice(&thread->lines, buf_slice(&session->recipients));
        buf_append_text(&thread->lines, "\n");
    }
    session->ended = false;
}

static void end_session(struct sink_session *session, bool reset)
{
    if (session->wire.closing)
        return;
    if (session->ended)
        account(session, 0);
    sink_write_lines(session->thread);
    wire_close(&session->wire, reset);
    uv_close((uv_handle_t *)&session->timer, on_timer_closed);
}

/* ---- replies ----------------------------------------------------------------------------------- */

static void flush(struct sink_session *session)
{
    if (session->wire.closing || session->wire.shaking)
        return;
    sink_write_lines(session->thread);
    if (!wire_flush(&session->wire))
        end_session(session, false);
}

/* Returns the length of the reply to EHLO. */
static size_t format_capabilities(const struct sink_session *session, const char *greeting, char *text)
{
    const struct sink *sink = session->thread->sink;
    const struct {
        bool offered;
        const char *name;
    } extensions[] = {
        {!sink->settings.no_pipelining, "PIPELINING"},
        {!sink->settings.no_8bitmime, "8BITMIME"},
        {!sink->settings.no_chunking, "CHUNKING"},
        {sink->tls && !session->wire.ssl, "STARTTLS"},
    };
    int size = snprintf(text, REPLY_SIZE, "250-%.90s\r\n", greeting);
    for (size_t i = 0; i < sizeof extensions / sizeof *extensions; i++)
        if (extensions[i].offered)
            size += snprintf(text + size, REPLY_SIZE - (size_t)size, "250-%s\r\n", extensions[i].name);
    size += snprintf(text + size, REPLY_SIZE - (size_t)size, "250 ENHANCEDSTATUSCODES\r\n");
    return (size_t)size;
}

/* What a reply means to the session, once it is given. */
static void take_effect(struct sink_session *session, enum sink_point point, unsigned code)
{
    bool good = code < 400;
    switch (point) {
    case POINT_EHLO:
        session->greeted = good;
        sink_session_forget(session);
        break;
    case POINT_MAIL:
        session->has_sender = session->counted = good;
        break;
    case POINT_RCPT:
        if (good) {
            session->recipient_count++;
            buf_append_slice(&session->recipients, buf_slice(&session->recipient));
        }
        break;
    case POINT_DATA:
        if (code == 354)
            sink_session_begin_content(session, READ_DATA);
        else if (!good)
            sink_session_forget(session);
        break;
    case POINT_END:
        account(session, code);
        sink_session_forget(session);
        break;
    case POINT_RSET:
        sink_session_forget(session);
        break;
    default:
        break;
    }
}

/* Returns how many messages came before this one, or, outside of a message, how many there were so far. */
static uint64_t messages_before(const struct sink_session *session)
{
    return session->counted ? session->place
                            : atomic_load_explicit(&session->thread->sink->begun, memory_order_relaxed);
}

/* Sends what is no reply. In the reply to content it has no end of a line, so that this stays without an answer. */
static void say_rubbish(struct sink_session *session, enum sink_action action, bool may_end_line)
{
    static const char rubbish[] = "\r\n\0\377\200 rubbish\n2\r\n25\r\n999 no\r\n-\r\n";
    char line[16384];
    if (action == ACTION_RUBBISH && may_end_line) {
        wire_say(&session->wire, rubbish, sizeof rubbish - 1);
        return;
    }
    memset(line, action == ACTION_RUBBISH ? '\0' : 'x', sizeof line);
    for (unsigned i = 0; i < (action == ACTION_RUBBISH ? 1 : 16); i++)
        wire_say(&session->wire, line, sizeof line);
}

/* Gives a part of the reply, and does what the rule says. Only a reply that was given as a whole takes effect. */
static void cut_reply(struct sink_session *session, const struct reply *reply, const struct fault_rule *rule,
                      struct slice text)
{
    size_t part = (size_t)(fault_rule_offset(rule, session->number) - session->said);
    bool whole = part == text.size;
    counter_add(&session->thread->counts.faults, 1);
    if (whole)
        take_effect(session, reply->point, reply->code);
    wire_say(&session->wire, text.data, part);
    session->said += part;
    if (rule->action >= ACTION_RUBBISH)
        say_rubbish(session, rule->action, whole || reply->point != POINT_END);
    if (rule->action == ACTION_CLOSE || rule->action == ACTION_RESET) {
        flush(session);
        end_session(session, rule->action == ACTION_RESET);
    } else {
        wire_pause(&session->wire);
    }
}

/* Returns the rule that applies in the middle or at the end of a reply of this size, or NULL. */
static const struct fault_rule *rule_in_reply(const struct sink_session *session, size_t size)
{
    struct fault_plan *plan = &session->thread->sink->settings.faults;
    return plan->count ? fault_plan_strike(plan, POINT_REPLY, messages_before(session), session->number,
                                           session->said, session->said + size)
                       : NULL;
}

static void say_reply(struct sink_session *session, const struct reply *reply)
{
    char text[REPLY_SIZE];
    size_t size = reply->point == POINT_EHLO && reply->code == 250
                      ? format_capabilities(session, reply->text, text)
                      : (size_t)snprintf(text, sizeof text, "%u %.200s\r\n", reply->code, reply->text);
    const struct fault_rule *rule = rule_in_reply(session, size);
    if (rule) {
        cut_reply(session, reply, rule, slice_of(text, size));
        return;
    }
    take_effect(session, reply->point, reply->code);
    wire_say(&session->wire, text, size);
    session->said += size;
}

static void give_reply(struct sink_session *session, const struct reply *reply)
{
    say_reply(session, reply);
    if (session->wire.closing || session->wire.paused)
        return;
    if (reply->point == POINT_STARTTLS && reply->code == 220) {
        flush(session);
        if (!session->wire.closing)
            wire_secure(&session->wire, session->thread->sink->tls, true, NULL);
    } else if (reply->point == POINT_QUIT || (reply->point == POINT_CONNECT && reply->code >= 400)) {
        flush(session);
        end_session(session, false);
    }
}

static void on_timer(uv_timer_t *timer)
{
    struct sink_session *session = timer->data;
    struct reply reply = session->delayed;
    give_reply(session, &reply);
    if (!session->wire.closing)
        wire_resume(&session->wire);
    flush(session);
}

/* Does what a rule says. Returns false if a reply is still to be given, perhaps with another code. */
static bool strike(struct sink_session *session, const struct fault_rule *rule, struct reply *reply)
{
    static const char refused[] = "this is a test of refusals";
    counter_add(&session->thread->counts.faults, 1);
    switch (rule->action) {
    case ACTION_REFUSE:
        reply->code = rule->code;
        reply->text = refused;
        return false;
    case ACTION_DELAY:
        session->delayed = *reply;
        wire_pause(&session->wire);
        uv_update_time(&session->thread->loop);
        uv_timer_start(&session->timer, on_timer, rule->delay + 1,
                       0); /* the loop's clock is up to 1 ms behind */
        return true;
    case ACTION_HANG:
        wire_pause(&session->wire);
        return true;
    default:
        flush(session); /* the replies before this one were given */
        end_session(session, rule->action == ACTION_RESET);
        return true;
    }
}

void sink_session_respond(struct sink_session *session, enum sink_point point, unsigned code,
                          const char *text)
{
    struct sink *sink = session->thread->sink;
    struct reply reply = {point, code, text};
    const struct fault_rule *rule = NULL;
    if (sink->settings.faults.count)
        rule =
            fault_plan_strike(&sink->settings.faults, point, messages_before(session), session->number, 0, 0);
    if (!rule || !strike(session, rule, &reply))
        give_reply(session, &reply);
}

void sink_session_reply(struct sink_session *session, unsigned code, const char *text)
{
    give_reply(session, &(struct reply){POINTS, code, text});
}

/* ---- input ------------------------------------------------------------------------------------- */

/* Runs a command, if its whole line has arrived. Returns how much was used. */
static size_t take_line(struct sink_session *session, struct slice input)
{
    const char *end = memchr(input.data, '\n', input.size);
    if (!end && input.size > MOST_LINE) {
        end_session(session, false);
        return 0;
    }
    if (!end)
        return 0;
    size_t size = (size_t)(end - input.data);
    sink_session_run_command(session, slice_of(input.data, size > 0 && end[-1] == '\r' ? size - 1 : size));
    return size + 1;
}

/* Takes a command, or a part of the content. Returns how much was used; 0: more is needed. */
static size_t take_some(struct sink_session *session, struct slice input)
{
    switch (session->reading) {
    case READ_DATA:
        return sink_content_data(session, input);
    case READ_CHUNK:
        return sink_content_chunk(session, input);
    default:
        return take_line(session, input);
    }
}

/* Applies the rules about places in the content or the connection that have just been passed. */
static void check_offsets(struct sink_session *session, enum sink_point point, uint64_t before, uint64_t now)
{
    struct sink *sink = session->thread->sink;
    if (session->wire.closing || now <= before)
        return;
    const struct fault_rule *rule = fault_plan_strike(&sink->settings.faults, point, messages_before(session),
                                                      session->number, before, now);
    struct reply none = {0};
    if (rule && rule->action != ACTION_DELAY)
        strike(session, rule, &none);
}

static size_t on_input(struct wire *wire, struct slice input)
{
    struct sink_session *session = session_of(wire);
    bool rules = session->thread->sink->settings.faults.count > 0;
    size_t used = 0, some = 1;
    if (rules)
        check_offsets(session, POINT_BYTE, session->bytes_seen, wire->received);
    session->bytes_seen = wire->received;
    while (some > 0 && used < input.size && !wire->closing && !wire->paused && !wire->shaking) {
        uint64_t content = session->content_size;
        some = take_some(session, slice_of(input.data + used, input.size - used));
        used += some;
        if (rules)
            check_offsets(session, POINT_CONTENT, content, session->content_size);
        if (session->reading == READ_CHUNK && session->chunk_left == 0 && !wire->closing && !wire->paused)
            sink_content_end_chunk(session);
    }
    flush(session);
    return used;
}

static void on_event(struct wire *wire, enum wire_event event)
{
    struct sink_session *session = session_of(wire);
    if (event == WIRE_LOST) {
        end_session(session, false);
    } else if (event == WIRE_SECURED) {
        sink_session_forget(session);
        session->greeted = false;
        if (session->thread->sink->settings.tls_at_once) {
            sink_session_respond(session, POINT_CONNECT, 220, session->thread->sink->greeting);
            flush(session);
        }
    }
}

/* ---- life -------------------------------------------------------------------------------------- */

/* Called when the wire or the timer is closed; the second call frees the session. */
static void release(struct sink_session *session)
{
    if (++session->closed < 2)
        return;
    list_remove(&session->node);
    buf_release(&session->recipient);
    buf_release(&session->recipients);
    free(session);
}

static void on_wire_closed(struct wire *wire)
{
    release(session_of(wire));
}

static void on_timer_closed(uv_handle_t *timer)
{
    release(timer->data);
}

static const struct wire_owner owner = {on_event, on_input, on_wire_closed};

void sink_session_start(struct sink_thread *thread, int fd)
{
    struct sink_session *session = mem_new(struct sink_session);
    session->thread = thread;
    session->number = atomic_fetch_add_explicit(&thread->sink->came, 1, memory_order_relaxed);
    if (wire_accept(&session->wire, &thread->loop, &owner, fd) < 0) {
        free(session);
        return;
    }
    uv_timer_init(&thread->loop, &session->timer);
    session->timer.data = session;
    list_append(&thread->sessions, &session->node);
    counter_add(&thread->counts.connections, 1);
    if (thread->sink->settings.tls_at_once) {
        wire_secure(&session->wire, thread->sink->tls, true, NULL);
        return;
    }
    sink_session_respond(session, POINT_CONNECT, 220, thread->sink->greeting);
    flush(session);
}

void sink_sessions_end(struct sink_thread *thread)
{
    list_each(&thread->sessions, node, after)
        end_session(container_of(node, struct sink_session, node), false);
}
