/*
 * careless: gives NULL, structs without a size, and functions that are NULL, where something is required.
 *
 *   what = calls   in setup: calls that are refused with a value. The start fails if one of them is taken. Its listener
 *                  takes each connection in all ways, of which one is right; it answers "refused N" to each line.
 *                  A hook at validate_connect edits the message that is not there yet.
 *   anything else  registers something of that kind, badly
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <impulse/command.h>
#include <impulse/delivery.h>
#include <impulse/dns.h>
#include <impulse/hooks.h>
#include <impulse/listener.h>
#include <impulse/log.h>
#include <impulse/loop.h>
#include <impulse/message.h>
#include <impulse/metric.h>
#include <impulse/queue.h>
#include <impulse/smtp.h>
#include <impulse/stream.h>
#include <impulse/timer.h>

static void nothing(void *closure)
{
    (void)closure;
}

static enum imp_verdict pass(struct imp_call *call, void *closure)
{
    (void)call, (void)closure;
    return IMP_CONT;
}

/* ---- what is refused with a value --------------------------------------------------------------------- */

static int jobs_are_refused(struct imp_module *module)
{
    struct imp_job no_size = {.work = nothing}, no_work = {.size = sizeof no_work};
    return imp_job_start(module, NULL, NULL) == -1 && imp_job_start(module, &no_size, NULL) == -1 &&
           imp_job_start(module, &no_work, NULL) == -1 && errno == EINVAL &&
           imp_work_submit(module, NULL, NULL, NULL) == -1 &&
           imp_loop_post(NULL, module, nothing, NULL) == -1 &&
           imp_loop_post(imp_loop_main(), module, NULL, NULL) == -1 &&
           imp_timer_create(module, NULL, NULL) == NULL && !imp_timer_is_running(NULL);
}

static void ended(struct imp_stream *stream, enum imp_stream_end why, const char *text, void *closure)
{
    (void)stream, (void)why, (void)text, (void)closure;
}

static int streams_are_refused(struct imp_module *module)
{
    static const struct imp_stream_events good = {.size = sizeof good, .closed = ended},
                                          no_size = {.closed = ended}, no_end = {.size = sizeof no_end};
    struct imp_stream_target target = {.size = sizeof target, .host = "127.0.0.1", .port = 1};
    return !imp_stream_connect(module, NULL, &good, NULL) &&
           !imp_stream_connect(module, &target, NULL, NULL) &&
           !imp_stream_connect(module, &target, &no_size, NULL) &&
           !imp_stream_connect(module, &target, &no_end, NULL) && errno == EINVAL;
}

/* Asks for records that are not there. */
static void answered(const struct imp_dns_answer *answer, void *closure)
{
    uint8_t address[16];
    char text[IMP_DNS_NAME_SIZE] = "";
    struct imp_dns_answer other = *answer;
    bool found = imp_dns_address(answer, answer->count, address);
    for (unsigned type = 0; type < 60; type++) {
        other.type = type;
        found |= imp_dns_address(&other, answer->count, address);
        found |=
            imp_dns_host(&other, answer->count, NULL, text) || imp_dns_host(&other, SIZE_MAX, NULL, text);
        found |= imp_dns_text(&other, answer->count, text, sizeof text) >= 0;
    }
    imp_paniclog(closure, IMP_ERROR, "behind the last record: %s", found ? "something" : "nothing");
}

static int questions_are_refused(struct imp_module *module)
{
    struct imp_queue_question no_size = {0};
    return !imp_dns_ask(module, NULL, IMP_DNS_A, answered, NULL) &&
           !imp_dns_ask(module, "localhost", IMP_DNS_A, NULL, NULL) && errno == EINVAL &&
           imp_queue_ask(module, NULL) == -1 && errno == EINVAL && imp_queue_ask(module, &no_size) == -1 &&
           imp_queue_last_answer(module, 1, NULL, NULL) == -1 && errno == EINVAL &&
           imp_dns_ask(module, "localhost", IMP_DNS_A, answered, module);
}

/* ---- a message that is not there ------------------------------------------------------------------------- */

/* At validate_connect there is no message yet. */
static enum imp_verdict connected(struct imp_call *call, void *closure)
{
    struct imp_message *message = imp_call_message(call);
    struct imp_recipient *recipient = imp_recipient_at(message, 0);
    struct imp_cursor *cursor = imp_cursor_open(message, NULL, NULL);
    const char *data;
    size_t size;
    (void)closure;
    bool refused = !message && !recipient && !cursor &&
                   imp_header_add(message, IMP_HEADER_FRONT, "A", "b") == -1 && errno == EINVAL &&
                   imp_recipient_remove(recipient) == -1 && errno == EINVAL &&
                   imp_recipient_set_address(imp_call_recipient(call), "a@b.example") == -1 &&
                   !imp_recipient_add(message, "a@b.example") && imp_message_set_sender(message, "") == -1 &&
                   imp_cursor_read(cursor, &data, &size) == -1 && imp_cursor_seek(cursor, 0) == -1 &&
                   imp_body_splice(message, 0, 0, "", 0) == -1 && imp_body_replace_begin(message) == -1 &&
                   imp_header_count(message, NULL) == 0 && !imp_message_context_set(message, "a", "b") &&
                   !imp_recipient_context_get(recipient, "a") && imp_message_size(message) == 0;
    imp_message_attach(message, NULL, NULL, NULL);
    imp_cursor_close(cursor);
    if (refused)
        return IMP_CONT;
    imp_call_reject(call, 554, "5.3.0", "something was taken");
    return IMP_DONE;
}

/* ---- a session that is not there ------------------------------------------------------------------------- */

/* The daemon begins to stop: that is about no session. */
static enum imp_verdict stopping(struct imp_call *call, void *closure)
{
    struct imp_session *session = imp_call_session(call);
    uint8_t address[16];
    size_t size = 1;
    bool nothing = !session && imp_session_id(session) == 0 && !*imp_session_peer_text(session) &&
                   !*imp_session_ehlo(session) && !imp_session_peer_address(session, address) &&
                   !imp_session_recipient(session) && !imp_session_reverse_path(session) &&
                   !imp_session_message_head(session, &size) && size == 0 &&
                   !imp_session_auth_user(session) && imp_session_auth_status(session) == IMP_AUTH_ERROR &&
                   !imp_context_set(session, IMP_CONTEXT_CONNECTION, "a", "b") &&
                   !imp_context_get(session, IMP_CONTEXT_MESSAGE, "a") &&
                   !imp_session_policy(session, closure) && !imp_session_attached(session, closure) &&
                   !imp_session_loop(session);
    imp_session_permit_relay(session);
    imp_session_set_binding(session, "a", "b");
    imp_session_attach(session, closure, NULL, NULL);
    imp_paniclog(closure, IMP_ERROR, "no session: %s", nothing ? "nothing" : "something");
    return IMP_CONT;
}

/* ---- connections ---------------------------------------------------------------------------------------- */

static size_t received(struct imp_connection *connection, const char *data, size_t size, void *closure)
{
    static const struct imp_stream_events events = {.size = sizeof events, .closed = ended};
    char text[32];
    long refused = (long)closure;
    (void)data;
    refused += !imp_connection_stream(connection, &events, NULL) && errno == EINVAL;
    int length = snprintf(text, sizeof text, "refused %ld\n", refused);
    imp_connection_write(connection, text, (size_t)length);
    return size;
}

static void accepted(struct imp_connection *connection, void *closure)
{
    static const struct imp_connection_handler good = {.size = sizeof good, .received = received},
                                               no_size = {.received = received}, none = {.size = sizeof none};
    static const struct imp_stream_events events = {.size = sizeof events, .closed = ended};
    long refused = 0;
    (void)closure;
    imp_connection_start(connection, NULL, NULL);
    imp_connection_start(connection, &no_size, NULL);
    imp_connection_start(connection, &none, NULL);
    refused += !imp_connection_stream(connection, NULL, NULL) && errno == EINVAL;
    imp_connection_start(connection, &good, (void *)2);
    refused += !imp_connection_stream(connection, &events, NULL) && errno == EINVAL;
    imp_connection_start(connection, refused == 2 ? &none : &good, (void *)100);
}

/* ---- registering ---------------------------------------------------------------------------------------- */

static int register_badly(struct imp_module *module, const char *what)
{
    struct imp_hook cut = {
        .size = offsetof(struct imp_hook, run) + 3, .point = "validate_rcptto", .run = pass};
    if (strcmp(what, "hook") == 0)
        return imp_hook_add(module, NULL);
    if (strcmp(what, "hook_cut") == 0)
        return imp_hook_add(module, &cut);
    if (strcmp(what, "point") == 0)
        return imp_point_declare(module, NULL) ? 0 : -1;
    if (strcmp(what, "log") == 0)
        return imp_hook_log(module, NULL);
    if (strcmp(what, "metric") == 0)
        return imp_metric_counter(module, NULL) ? 0 : -1;
    if (strcmp(what, "tls") == 0)
        return imp_tls_create(module, NULL) ? 0 : -1;
    if (strcmp(what, "command") == 0)
        return imp_command_add(module, NULL);
    if (strcmp(what, "smtp") == 0)
        return imp_smtp_add(module, NULL);
    return imp_delivery_method(module, NULL);
}

static int setup(struct imp_module *module, const struct imp_config *config)
{
    const char *what = imp_config_text(config, "what");
    struct imp_listener listener = {.size = sizeof listener, .accepted = accepted};
    if (strcmp(what, "calls") != 0)
        return register_badly(module, what);
    if (!jobs_are_refused(module) || !streams_are_refused(module) || !questions_are_refused(module)) {
        imp_module_error(module, "something was taken");
        return -1;
    }
    return imp_hook_at(module, "core_control_shutdown", stopping, module) ||
           imp_hook_at(module, "validate_connect", connected, NULL) || imp_listener_add(module, &listener);
}

IMP_MODULE_DEFINE(.name = "careless", .description = "Gives NULL where something is required",
                  .kind = IMP_SINGLETON, .setup = setup);
