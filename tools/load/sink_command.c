/*
 * The commands of impulse-sink. Each looks at its argument and whether it is its turn, and replies.
 */
#include <string.h>
#include "tools/load/sink_session.h"

enum { MOST_RECIPIENTS = 100000 };

static void do_ehlo(struct sink_session *session, struct slice argument)
{
    (void)argument;
    sink_session_respond(session, POINT_EHLO, 250, session->thread->sink->settings.hostname);
}

static void do_starttls(struct sink_session *session, struct slice argument)
{
    (void)argument;
    if (!session->thread->sink->tls || session->wire.ssl)
        sink_session_reply(session, 502, "5.5.1 there is no TLS to begin");
    else
        sink_session_respond(session, POINT_STARTTLS, 220, "2.0.0 begin TLS");
}

static void do_mail(struct sink_session *session, struct slice argument)
{
    (void)argument;
    if (!session->greeted || session->has_sender) {
        sink_session_reply(session, 503,
                           session->greeted ? "5.5.1 there is a sender" : "5.5.1 EHLO comes first");
        return;
    }
    session->counted = true;
    session->place = atomic_fetch_add_explicit(&session->thread->sink->begun, 1, memory_order_relaxed);
    sink_session_respond(session, POINT_MAIL, 250, "2.1.0 Ok");
}

static void do_rcpt(struct sink_session *session, struct slice argument)
{
    const char *begin = memchr(argument.data, '<', argument.size), *end = NULL;
    if (begin)
        end = memchr(begin, '>', argument.size - (size_t)(begin - argument.data));
    if (!session->has_sender || !end || session->recipient_count >= MOST_RECIPIENTS) {
        sink_session_reply(session, end ? 503 : 501,
                           end ? "5.5.1 MAIL comes first" : "5.5.4 there is no address");
        return;
    }
    buf_clear(&session->recipient);
    buf_append_text(&session->recipient, " ");
    buf_append_printable(&session->recipient, slice_of(begin + 1, (size_t)(end - begin) - 1));
    sink_session_respond(session, POINT_RCPT, 250, "2.1.5 Ok");
}

static void do_data(struct sink_session *session, struct slice argument)
{
    (void)argument;
    if (session->recipient_count == 0 || session->in_content)
        sink_session_reply(session, 503, "5.5.1 RCPT comes first");
    else
        sink_session_respond(session, POINT_DATA, 354, "go on");
}

static void do_bdat(struct sink_session *session, struct slice argument)
{
    struct slice number, rest = argument;
    if (!slice_next(&rest, ' ', &number) || !slice_to_uint(number, &session->chunk_left)) {
        sink_session_reply(session, 501, "5.5.4 BDAT has a size");
        return;
    }
    session->last_chunk = slice_equal_nocase(slice_trim(rest), SLICE_LITERAL("LAST"));
    /* Without a recipient the chunk is read all the same, and refused then (RFC 3030 section 3). */
    sink_session_begin_content(session, READ_CHUNK);
}

static void do_rset(struct sink_session *session, struct slice argument)
{
    (void)argument;
    sink_session_respond(session, POINT_RSET, 250, "2.0.0 Ok");
}

static void do_noop(struct sink_session *session, struct slice argument)
{
    (void)argument;
    sink_session_reply(session, 250, "2.0.0 Ok");
}

static void do_quit(struct sink_session *session, struct slice argument)
{
    (void)argument;
    sink_session_respond(session, POINT_QUIT, 221, "2.0.0 Bye");
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

void sink_session_run_command(struct sink_session *session, struct slice line)
{
    struct slice rest = slice_trim(line), verb;
    if (!slice_next(&rest, ' ', &verb))
        verb = slice_of("", 0);
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++)
        if (slice_equal_nocase(verb, commands[i].name)) {
            commands[i].run(session, rest);
            return;
        }
    sink_session_reply(session, 500, "5.5.2 there is no such command");
}
