/*
 * A session of impulse-sink: reads commands and content, asks the fault plan at each point, and answers.
 *
 * What a reply means (a recipient was accepted, content follows) happens when it is given, in `give_reply`.
 * So a rule can hold it back, change it, or close the connection instead, at one place.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include "base/mem.h"
#include "tools/load/ledger.h"
#include "tools/load/sink.h"

enum { MOST_LINE = 4096, MOST_RECIPIENTS = 100000 };

enum reading { READ_COMMANDS, READ_DATA, READ_CHUNK };

struct reply {
    enum sink_point point;
    unsigned code;
    const char *text;
};

struct sink_session {
    struct wire wire;
    struct sink_thread *thread;
    struct list_node node; /* of thread->sessions */
    uv_timer_t timer;      /* of a delayed reply */
    struct reply delayed;
    unsigned closed; /* of the wire and the timer */
    enum reading reading;
    bool greeted, has_sender, in_content, last_chunk, ended;
    char before[2];        /* the last two bytes of content: a dot counts after CR LF only */
    uint64_t content_size; /* of what has arrived */
    uint64_t bytes_seen;   /* on the connection: rules about them were asked */
    uint64_t chunk_left;
    size_t recipient_count;
    struct buf recipient;  /* of the RCPT that is being answered */
    struct buf recipients; /* " ADDRESS" for each */
    struct stamp_reader stamp;
};

static void on_timer_closed(uv_handle_t *timer);

static struct sink_session *session_of(struct wire *wire)
{
    return container_of(wire, struct sink_session, wire);
}

/* ---- transactions ------------------------------------------------------------------------------ */

static void forget_transaction(struct sink_session *session)
{
    session->has_sender = session->in_content = session->ended = false;
    session->recipient_count = 0;
    session->content_size = 0;
    session->reading = READ_COMMANDS;
    buf_clear(&session->recipients);
}

static void begin_content(struct sink_session *session, enum reading reading)
{
    session->reading = reading;
    if (session->in_content)
        return;
    session->in_content = true;
    memcpy(session->before, "\r\n", 2);
    stamp_reader_begin(&session->stamp);
}

/* The whole content has arrived, and `code` is answered; 0: nothing is, as the connection goes. */
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
    atomic_fetch_add_explicit(&thread->sink->ended, 1, memory_order_relaxed);
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

static void say_capabilities(struct sink_session *session, const char *text)
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
    char line[128];
    int size = snprintf(line, sizeof line, "250-%.90s\r\n", text);
    wire_say(&session->wire, line, (size_t)size);
    for (size_t i = 0; i < sizeof extensions / sizeof *extensions; i++)
        if (extensions[i].offered) {
            size = snprintf(line, sizeof line, "250-%s\r\n", extensions[i].name);
            wire_say(&session->wire, line, (size_t)size);
        }
    wire_say(&session->wire, "250 ENHANCEDSTATUSCODES\r\n", 25);
}

/* What a reply means to the session, once it is given. */
static void take_effect(struct sink_session *session, enum sink_point point, unsigned code)
{
    bool good = code < 400;
    switch (point) {
    case POINT_EHLO:
        session->greeted = good;
        forget_transaction(session);
        break;
    case POINT_MAIL:
        session->has_sender = good;
        break;
    case POINT_RCPT:
        if (good) {
            session->recipient_count++;
            buf_append_slice(&session->recipients, buf_slice(&session->recipient));
        }
        break;
    case POINT_DATA:
        if (code == 354)
            begin_content(session, READ_DATA);
        else if (!good)
            forget_transaction(session);
        break;
    case POINT_END:
        account(session, code);
        forget_transaction(session);
        break;
    case POINT_RSET:
        forget_transaction(session);
        break;
    default:
        break;
    }
}

static void give_reply(struct sink_session *session, const struct reply *reply)
{
    char line[256];
    take_effect(session, reply->point, reply->code);
    if (reply->point == POINT_EHLO && reply->code == 250) {
        say_capabilities(session, reply->text);
    } else {
        int size = snprintf(line, sizeof line, "%u %.200s\r\n", reply->code, reply->text);
        wire_say(&session->wire, line, (size_t)size);
    }
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

/* What a rule says is done. False: it has changed nothing but perhaps the reply. */
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
        uv_timer_start(&session->timer, on_timer, rule->delay, 0);
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

/* Replies at a point of the session, as far as the fault plan lets it. */
static void respond(struct sink_session *session, enum sink_point point, unsigned code, const char *text)
{
    struct sink *sink = session->thread->sink;
    struct reply reply = {point, code, text};
    const struct fault_rule *rule = NULL;
    if (sink->settings.faults.count)
        rule = fault_plan_strike(&sink->settings.faults, point,
                                 atomic_load_explicit(&sink->ended, memory_order_relaxed), 0, 0);
    if (!rule || !strike(session, rule, &reply))
        give_reply(session, &reply);
}

/* A reply that no rule is about: to what is wrong or has no effect. */
static void reply(struct sink_session *session, unsigned code, const char *text)
{
    give_reply(session, &(struct reply){POINTS, code, text});
}

/* ---- commands ---------------------------------------------------------------------------------- */

static void do_ehlo(struct sink_session *session, struct slice argument)
{
    (void)argument;
    respond(session, POINT_EHLO, 250, session->thread->sink->settings.hostname);
}

static void do_starttls(struct sink_session *session, struct slice argument)
{
    (void)argument;
    if (!session->thread->sink->tls || session->wire.ssl)
        reply(session, 502, "5.5.1 there is no TLS to begin");
    else
        respond(session, POINT_STARTTLS, 220, "2.0.0 begin TLS");
}

static void do_mail(struct sink_session *session, struct slice argument)
{
    (void)argument;
    if (!session->greeted || session->has_sender)
        reply(session, 503, session->greeted ? "5.5.1 there is a sender" : "5.5.1 EHLO comes first");
    else
        respond(session, POINT_MAIL, 250, "2.1.0 Ok");
}

static void do_rcpt(struct sink_session *session, struct slice argument)
{
    const char *begin = memchr(argument.data, '<', argument.size), *end = NULL;
    if (begin)
        end = memchr(begin, '>', argument.size - (size_t)(begin - argument.data));
    if (!session->has_sender || !end || session->recipient_count >= MOST_RECIPIENTS) {
        reply(session, end ? 503 : 501, end ? "5.5.1 MAIL comes first" : "5.5.4 there is no address");
        return;
    }
    buf_clear(&session->recipient);
    buf_append_text(&session->recipient, " ");
    buf_append_printable(&session->recipient, slice_of(begin + 1, (size_t)(end - begin) - 1));
    respond(session, POINT_RCPT, 250, "2.1.5 Ok");
}

static void do_data(struct sink_session *session, struct slice argument)
{
    (void)argument;
    if (session->recipient_count == 0 || session->in_content)
        reply(session, 503, "5.5.1 RCPT comes first");
    else
        respond(session, POINT_DATA, 354, "go on");
}

static void do_bdat(struct sink_session *session, struct slice argument)
{
    struct slice number, rest = argument;
    if (!slice_next(&rest, ' ', &number) || !slice_to_uint(number, &session->chunk_left)) {
        reply(session, 501, "5.5.4 BDAT has a size");
        return;
    }
    session->last_chunk = slice_equal_nocase(slice_trim(rest), SLICE_LITERAL("LAST"));
    /* Without a recipient the chunk is read all the same, and refused then (RFC 3030 section 3). */
    begin_content(session, READ_CHUNK);
}

static void do_rset(struct sink_session *session, struct slice argument)
{
    (void)argument;
    respond(session, POINT_RSET, 250, "2.0.0 Ok");
}

static void do_noop(struct sink_session *session, struct slice argument)
{
    (void)argument;
    reply(session, 250, "2.0.0 Ok");
}

static void do_quit(struct sink_session *session, struct slice argument)
{
    (void)argument;
    respond(session, POINT_QUIT, 221, "2.0.0 Bye");
}

static const struct command {
    struct slice name;
    void (*run)(struct sink_session *session, struct slice argument);
} commands[] = {
    {SLICE_LITERAL("MAIL"), do_mail},         {SLICE_LITERAL("RCPT"), do_rcpt},
    {SLICE_LITERAL("DATA"), do_data},         {SLICE_LITERAL("BDAT"), do_bdat},
    {SLICE_LITERAL("EHLO"), do_ehlo},         {SLICE_LITERAL("HELO"), do_ehlo},
    {SLICE_LITERAL("STARTTLS"), do_starttls}, {SLICE_LITERAL("RSET"), do_rset},
    {SLICE_LITERAL("NOOP"), do_noop},         {SLICE_LITERAL("QUIT"), do_quit},
};

static void run_command(struct sink_session *session, struct slice line)
{
    struct slice rest = slice_trim(line), verb;
    if (!slice_next(&rest, ' ', &verb))
        verb = slice_of("", 0);
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++)
        if (slice_equal_nocase(verb, commands[i].name)) {
            commands[i].run(session, rest);
            return;
        }
    reply(session, 500, "5.5.2 there is no such command");
}

/* ---- input ------------------------------------------------------------------------------------- */

static void take_content(struct sink_session *session, const char *data, size_t size)
{
    session->content_size += size;
    counter_add(&session->thread->counts.bytes, size);
    if (!session->thread->sink->settings.no_verify)
        stamp_reader_take(&session->stamp, data, size);
}

static void end_content(struct sink_session *session)
{
    session->ended = true;
    session->reading = READ_COMMANDS;
    respond(session, POINT_END, 250, "2.0.0 Ok");
}

/* Remembers the last two bytes of what was taken. */
static void remember(struct sink_session *session, const char *data, size_t size)
{
    if (size == 1)
        session->before[0] = session->before[1];
    else if (size > 1)
        session->before[0] = data[size - 2];
    if (size > 0)
        session->before[1] = data[size - 1];
}

/* As much of it as a rule about a place in the content lets pass in one step. */
static struct slice cut_at_rule(const struct sink_session *session, struct slice input)
{
    const struct fault_plan *plan = &session->thread->sink->settings.faults;
    if (plan->count) {
        uint64_t left =
            fault_plan_next_offset(plan, POINT_CONTENT, session->content_size) - session->content_size;
        if (input.size > left)
            input.size = (size_t)left;
    }
    return input;
}

/* At the beginning of a line with a dot. Returns how much was used, 0 if more is needed to decide. */
static size_t take_dot(struct sink_session *session, struct slice input)
{
    if (input.size < 2 || (input.data[1] == '\r' && input.size < 3))
        return 0;
    if (input.data[1] == '\r' && input.data[2] == '\n') {
        end_content(session);
        return 3;
    }
    memcpy(session->before, "x.", 2); /* this dot is dropped, the next one stays */
    return 1;
}

/* Content after DATA, up to a dot at the beginning of a line. Returns how much was used. */
static size_t take_data(struct sink_session *session, struct slice input)
{
    if (input.data[0] == '.' && memcmp(session->before, "\r\n", 2) == 0)
        return take_dot(session, input);
    input = cut_at_rule(session, input);
    size_t size = input.size;
    const char *dot = NULL;
    if (session->before[1] == '\r' && size >= 2 && memcmp(input.data, "\n.", 2) == 0)
        dot = input.data + 1;
    else if ((dot = memmem(input.data, size, "\r\n.", 3)))
        dot += 2;
    if (dot)
        size = (size_t)(dot - input.data);
    take_content(session, input.data, size);
    remember(session, input.data, size);
    return size;
}

static size_t take_chunk(struct sink_session *session, struct slice input)
{
    input = cut_at_rule(session, input);
    size_t size = input.size < session->chunk_left ? input.size : (size_t)session->chunk_left;
    take_content(session, input.data, size);
    session->chunk_left -= size;
    return size;
}

static void end_chunk(struct sink_session *session)
{
    session->reading = READ_COMMANDS;
    if (session->recipient_count == 0) {
        forget_transaction(session);
        reply(session, 503, "5.5.1 RCPT comes first");
    } else if (session->last_chunk) {
        end_content(session);
    } else {
        respond(session, POINT_DATA, 250, "2.0.0 Ok");
    }
}

/* A command, if its line is there. Returns how much was used. */
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
    run_command(session, slice_of(input.data, size > 0 && end[-1] == '\r' ? size - 1 : size));
    return size + 1;
}

/* One step. Returns how much was used; 0: more is needed. */
static size_t take_some(struct sink_session *session, struct slice input)
{
    switch (session->reading) {
    case READ_DATA:
        return take_data(session, input);
    case READ_CHUNK:
        return take_chunk(session, input);
    default:
        return take_line(session, input);
    }
}

/* Rules about a place in the content or the connection that has just been passed. */
static void check_offsets(struct sink_session *session, enum sink_point point, uint64_t before, uint64_t now)
{
    struct sink *sink = session->thread->sink;
    if (session->wire.closing || now <= before)
        return;
    const struct fault_rule *rule = fault_plan_strike(
        &sink->settings.faults, point, atomic_load_explicit(&sink->ended, memory_order_relaxed), before, now);
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
            end_chunk(session);
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
        forget_transaction(session);
        session->greeted = false;
        if (session->thread->sink->settings.tls_at_once) {
            respond(session, POINT_CONNECT, 220, session->thread->sink->greeting);
            flush(session);
        }
    }
}

/* ---- life -------------------------------------------------------------------------------------- */

/* The wire or the timer is closed; after the second one the session goes. */
static void release(struct sink_session *session)
{
    if (++session->closed < 2)
        return;
    counter_subtract(&session->thread->counts.open, 1);
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
    if (wire_accept(&session->wire, &thread->loop, &owner, fd) < 0) {
        free(session);
        return;
    }
    uv_timer_init(&thread->loop, &session->timer);
    session->timer.data = session;
    list_append(&thread->sessions, &session->node);
    counter_add(&thread->counts.connections, 1);
    counter_add(&thread->counts.open, 1);
    if (thread->sink->settings.tls_at_once) {
        wire_secure(&session->wire, thread->sink->tls, true, NULL);
        return;
    }
    respond(session, POINT_CONNECT, 220, thread->sink->greeting);
    flush(session);
}

void sink_sessions_end(struct sink_thread *thread)
{
    list_each(&thread->sessions, node, after)
        end_session(container_of(node, struct sink_session, node), false);
}
