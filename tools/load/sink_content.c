/*
 * Content as impulse-sink reads it: after DATA up to the dot, without dot-stuffing, and in chunks.
 */
#include <string.h>
#include "tools/load/sink_session.h"

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
    sink_session_respond(session, POINT_END, 250, "2.0.0 Ok");
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
        uint64_t left = fault_plan_next_offset(plan, POINT_CONTENT, session->number, session->content_size) -
                        session->content_size;
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

size_t sink_content_data(struct sink_session *session, struct slice input)
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

size_t sink_content_chunk(struct sink_session *session, struct slice input)
{
    input = cut_at_rule(session, input);
    size_t size = input.size < session->chunk_left ? input.size : (size_t)session->chunk_left;
    take_content(session, input.data, size);
    session->chunk_left -= size;
    return size;
}

void sink_content_end_chunk(struct sink_session *session)
{
    session->reading = READ_COMMANDS;
    if (session->recipient_count == 0) {
        sink_session_forget(session);
        sink_session_reply(session, 503, "5.5.1 RCPT comes first");
    } else if (session->last_chunk) {
        end_content(session);
    } else {
        sink_session_respond(session, POINT_DATA, 250, "2.0.0 Ok");
    }
}
