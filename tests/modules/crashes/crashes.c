/*
 * crashes: has every kind of callback that include/impulse knows, and crashes in the one that the option `where` names;
 * with `sleep` it says so, and sleeps there for so many seconds. What a message to good@ would begin is spared.
 *
 * Most are begun by a hook when a client says RCPT TO, those of the console by the commands `crash now`, `crash later`,
 * `crash much` and `crash loops`, those of the protocol by the SMTP command XCRASH and by the stanza's Listens.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <impulse/command.h>
#include <impulse/delivery.h>
#include <impulse/dns.h>
#include <impulse/hooks.h>
#include <impulse/inject.h>
#include <impulse/listener.h>
#include <impulse/log.h>
#include <impulse/loop.h>
#include <impulse/message.h>
#include <impulse/metric.h>
#include <impulse/queue.h>
#include <impulse/session.h>
#include <impulse/smtp.h>
#include <impulse/stream.h>
#include <impulse/timer.h>

struct crashes {
    struct imp_module *module;
    char where[32];
    unsigned seconds;
    struct imp_point *point;
    struct imp_suspension *suspension;
    struct imp_session *session;
};

static volatile int *volatile nowhere = NULL;

static bool is_in(const struct crashes *self, const char *callback)
{
    return strcmp(self->where, callback) == 0;
}

/* Crashes, or sleeps, if this is the callback. */
static void in(const struct crashes *self, const char *callback)
{
    if (!is_in(self, callback))
        return;
    if (self->seconds == 0)
        *nowhere = 1;
    imp_paniclog(self->module, IMP_ERROR, "sleeps");
    for (unsigned left = self->seconds; left > 0;)
        left = sleep(left); /* signals interrupt it */
}

/* ---- loops: posts, jobs, timers, questions ---------------------------------------------------------------------- */

static void posted(void *closure)
{
    in(closure, "post");
}

static void work(void *closure)
{
    in(closure, "job");
}

static void work_done(enum imp_job_result result, void *closure)
{
    (void)result;
    in(closure, "job_done");
}

static void fired(struct imp_timer *timer, void *closure)
{
    in(closure, "timer");
    imp_timer_free(timer);
}

static void dns_answered(const struct imp_dns_answer *answer, void *closure)
{
    (void)answer;
    in(closure, "dns");
}

static void begin_on_loop(struct crashes *self)
{
    struct imp_job job = {.size = sizeof job, .work = work, .done = work_done, .closure = self};
    imp_loop_post(imp_loop_current(), self->module, posted, self);
    imp_job_start(self->module, &job, NULL);
    imp_timer_start(imp_timer_create(self->module, fired, self), 1, 0);
    imp_dns_ask(self->module, "localhost", IMP_DNS_A, dns_answered, self);
}

/* ---- queues and injections -------------------------------------------------------------------------------------- */

static void last_answer(uint64_t id, const char *response, const char *peer, void *closure)
{
    (void)id, (void)response, (void)peer;
    in(closure, "queue_last_answer");
}

static enum imp_queue_next shown(struct imp_queued *queued, void *closure)
{
    struct crashes *self = closure;
    struct imp_queued_facts facts = {.size = sizeof facts};
    in(self, "queue_each");
    imp_queued_get(queued, &facts);
    imp_queue_last_answer(self->module, facts.message_id, last_answer, self);
    return IMP_QUEUE_GO_ON;
}

static void queue_shown(const struct imp_queue_facts *facts, void *closure)
{
    (void)facts;
    in(closure, "queue_queue");
}

static void queue_answered(const struct imp_queue_answer *answer, void *closure)
{
    (void)answer;
    in(closure, "queue_done");
}

static void ask_queues(struct crashes *self)
{
    struct imp_queue_question question = {.size = sizeof question,
                                          .queue = queue_shown,
                                          .each = shown,
                                          .done = queue_answered,
                                          .closure = self};
    imp_queue_ask(self->module, &question);
}

static int give(const char **data, size_t *size, void *closure)
{
    (void)data, (void)size;
    in(closure, "inject_read");
    return -1;
}

static void injected(const struct imp_injected *result, void *closure)
{
    (void)result;
    in(closure, "inject_done");
}

static void inject(struct crashes *self)
{
    const char *to = "c@rcpt.example";
    struct imp_injection report = {.size = sizeof report,
                                   .sender = "",
                                   .recipients = &to,
                                   .recipient_count = 1,
                                   .read = give,
                                   .done = injected,
                                   .closure = self};
    imp_inject(self->module, &report);
}

/* ---- a stream, to the listener of the session that begins it ---------------------------------------------------- */

static void connected(struct imp_stream *stream, void *closure)
{
    (void)stream;
    in(closure, "stream_connected");
}

static void readable(struct imp_stream *stream, void *closure)
{
    in(closure, "stream_readable");
    imp_stream_close(stream);
}

static void stream_closed(struct imp_stream *stream, enum imp_stream_end why, const char *text, void *closure)
{
    (void)stream, (void)why, (void)text;
    in(closure, "stream_closed");
}

static const struct imp_stream_events events = {
    .size = sizeof events, .connected = connected, .readable = readable, .closed = stream_closed};

static void connect_stream(struct crashes *self, const char *address)
{
    struct imp_stream_target target = {.size = sizeof target, .host = "127.0.0.1"};
    target.port = (uint16_t)strtoul(strrchr(address, ':') + 1, NULL, 10);
    imp_stream_connect(self->module, &target, &events, self);
}

/* ---- hooks ------------------------------------------------------------------------------------------------------ */

static void release_message(void *data)
{
    in(data, "message_release");
}

static void release_recipient(void *data)
{
    in(data, "recipient_release");
}

static void release_session(void *data)
{
    in(data, "session_release");
}

static void cancelled(void *closure)
{
    struct crashes *self = closure;
    in(self, "hook_cancelled");
    imp_suspension_resume(self->suspension, IMP_CONT, 0, NULL, NULL);
}

static enum imp_verdict at_recipient(struct imp_call *call, void *closure)
{
    struct crashes *self = closure;
    struct imp_session *session = imp_call_session(call);
    imp_session_permit_relay(session);
    if (strncmp(imp_session_recipient(session), "good@", 5) == 0)
        return IMP_CONT;
    in(self, "hook");
    imp_session_attach(session, self->module, self, release_session);
    imp_message_attach(imp_call_message(call), self->module, self, release_message);
    imp_recipient_attach(imp_call_recipient(call), self->module, self, release_recipient);
    begin_on_loop(self);
    inject(self);
    connect_stream(self, imp_session_local_text(session));
    if (!is_in(self, "hook_cancelled"))
        return IMP_CONT;
    self->suspension = imp_call_suspend(call, cancelled, self);
    return IMP_AGAIN;
}

static enum imp_verdict may_block(struct imp_call *call, void *closure)
{
    (void)call;
    in(closure, "hook_that_blocks");
    return IMP_CONT;
}

static enum imp_verdict at_own_point(struct imp_call *call, void *closure)
{
    (void)call;
    in(closure, "hook_of_a_module");
    return IMP_CONT;
}

static enum imp_verdict when_enqueued(struct imp_call *call, void *closure)
{
    struct crashes *self = closure;
    (void)call;
    in(self, "moment");
    imp_point_call(self->point, &(struct imp_point_call){.size = sizeof(struct imp_point_call)});
    ask_queues(self);
    return IMP_CONT;
}

struct reading {
    struct crashes *module;
    struct imp_cursor *cursor;
    struct imp_suspension *suspension;
};

static void end_reading(struct reading *reading)
{
    imp_cursor_close(reading->cursor);
    free(reading);
}

static void ready(void *closure)
{
    struct reading *reading = closure;
    struct imp_suspension *suspension = reading->suspension;
    in(reading->module, "cursor_ready");
    end_reading(reading);
    imp_suspension_resume(suspension, IMP_CONT, 0, NULL, NULL);
}

/* A large message is in the spool by now. */
static enum imp_verdict at_content(struct imp_call *call, void *closure)
{
    struct reading *reading = calloc(1, sizeof *reading);
    const char *data;
    size_t size;
    int got;
    if (!reading)
        return IMP_CONT;
    reading->module = closure;
    reading->cursor = imp_cursor_open(imp_call_message(call), ready, reading);
    while ((got = imp_cursor_read(reading->cursor, &data, &size)) == 1)
        continue;
    if (got == 0) {
        end_reading(reading);
        return IMP_CONT;
    }
    reading->suspension = imp_call_suspend(call, NULL, NULL);
    if (!reading->suspension)
        end_reading(reading);
    return IMP_AGAIN;
}

/* ---- the console ------------------------------------------------------------------------------------------------ */

static void command_released(void *closure)
{
    in(closure, "command_release");
}

static void command_now(struct imp_command_call *call, void *closure)
{
    imp_command_at_end(call, command_released, closure);
    in(closure, "command");
    imp_command_finish(call, true);
}

static void command_cancelled(struct imp_command_call *call, void *closure)
{
    in(closure, "command_cancelled");
    imp_command_finish(call, false);
}

static void command_later(struct imp_command_call *call, void *closure)
{
    imp_command_on_cancel(call, command_cancelled, closure);
}

static void command_room(struct imp_command_call *call, void *closure)
{
    in(closure, "command_room");
    imp_command_finish(call, true);
}

static void command_much(struct imp_command_call *call, void *closure)
{
    char line[1024];
    memset(line, 'x', sizeof line);
    line[sizeof line - 1] = '\n';
    while (imp_command_write(call, line, sizeof line) == IMP_COMMAND_TAKEN)
        continue;
    imp_command_on_room(call, command_room, closure);
}

static int step(struct imp_command_part *part, void *closure)
{
    (void)part;
    in(closure, "command_step");
    return 0;
}

static void steps_over(struct imp_command_call *call, void *closure)
{
    (void)call;
    in(closure, "command_end");
}

static void command_loops(struct imp_command_call *call, void *closure)
{
    imp_command_gather(call, NULL, step, steps_over, closure);
}

static int add_command(struct crashes *self, const char *words, imp_command_fn *run)
{
    return imp_command_add(self->module, &(struct imp_command){.size = sizeof(struct imp_command),
                                                               .words = words,
                                                               .help = "crashes, where it was told to",
                                                               .run = run,
                                                               .closure = self});
}

/* ---- protocols -------------------------------------------------------------------------------------------------- */

static void verb_cancelled(struct imp_smtp_call *call, void *closure)
{
    in(closure, "smtp_cancelled");
    imp_smtp_reply(call, 250, NULL, "late");
}

static void verb_released(void *closure)
{
    in(closure, "smtp_release");
}

static void verb(struct imp_smtp_call *call, const char *arguments, void *closure)
{
    (void)arguments;
    in(closure, "smtp");
    imp_smtp_at_end(call, verb_released, closure);
    if (is_in(closure, "smtp_cancelled"))
        imp_smtp_on_cancel(call, verb_cancelled, closure);
    else
        imp_smtp_reply(call, 250, NULL, "done");
}

static size_t received(struct imp_connection *connection, const char *data, size_t size, void *closure)
{
    (void)connection, (void)data;
    in(closure, "listener_received");
    return size;
}

static void other_side_ended(struct imp_connection *connection, void *closure)
{
    in(closure, "listener_ended");
    imp_connection_close(connection);
}

static void connection_closed(struct imp_connection *connection, void *closure)
{
    (void)connection;
    in(closure, "listener_closed");
}

static void accepted(struct imp_connection *connection, void *closure)
{
    static const struct imp_connection_handler handler = {
        .size = sizeof handler, .received = received, .ended = other_side_ended, .closed = connection_closed};
    in(closure, "listener");
    imp_connection_start(connection, &handler, closure);
}

/* ---- logs, deliveries, metrics, policies ------------------------------------------------------------------------ */

static void reception(const struct imp_log_reception *event, void *closure)
{
    (void)event;
    in(closure, "log_reception");
}

static void line(enum imp_level level, const char *text, size_t size, void *closure)
{
    (void)level, (void)text, (void)size;
    in(closure, "log_paniclog");
}

static void reopen(void *closure)
{
    in(closure, "log_reopen");
}

static void tick(void *closure)
{
    in(closure, "tick");
}

static enum imp_delivery_result deliver(struct imp_delivery *delivery, char *response, size_t size,
                                        void *closure)
{
    (void)delivery, (void)response, (void)size;
    in(closure, "deliver");
    return IMP_DELIVERED;
}

static double read_metric(void *closure)
{
    in(closure, "metric");
    return 0;
}

static void release_policy(void *data)
{
    in(data, "policy_release");
}

static int policy(struct imp_module *module, struct imp_policy *made)
{
    struct crashes *self = imp_module_data(module);
    in(self, "policy");
    imp_policy_set(made, module, self, release_policy);
    return 0;
}

static int outbound_policy(struct imp_module *module, struct imp_policy *made)
{
    (void)made;
    in(imp_module_data(module), "outbound_policy");
    return 0;
}

/* ---- beginning and end ------------------------------------------------------------------------------------------ */

static int add_hooks(struct crashes *self)
{
    struct imp_hook blocks = {.size = sizeof blocks,
                              .point = "validate_mailfrom",
                              .run = may_block,
                              .closure = self,
                              .flags = IMP_HOOK_MAY_BLOCK};
    self->point = imp_point_declare(
        self->module, &(struct imp_point_row){
                          .size = sizeof(struct imp_point_row), .name = "crashes_point", .help = "to crash"});
    return imp_hook_at(self->module, "validate_rcptto", at_recipient, self) ||
           imp_hook_at(self->module, "validate_data_spool", at_content, self) ||
           imp_hook_at(self->module, "core_ec_message_enqueue", when_enqueued, self) ||
           imp_hook_at(self->module, "crashes_point", at_own_point, self) ||
           imp_hook_add(self->module, &blocks);
}

static int setup(struct imp_module *module, const struct imp_config *config)
{
    struct crashes *self = calloc(1, sizeof *self);
    if (!self)
        return -1;
    self->module = module;
    self->seconds = (unsigned)imp_config_int(config, "sleep");
    snprintf(self->where, sizeof self->where, "%s", imp_config_text(config, "where"));
    imp_module_set_data(module, self);
    in(self, "setup");
    struct imp_smtp_extension extension = {
        .size = sizeof extension, .verb = "XCRASH", .run = verb, .closure = self, .deadline_ms = 500};
    struct imp_listener listener = {.size = sizeof listener, .accepted = accepted, .closure = self};
    struct imp_log_hooks told = {
        .size = sizeof told, .closure = self, .reception = reception, .paniclog = line, .reopen = reopen};
    struct imp_delivery_method method = {
        .size = sizeof method, .name = "crashes", .deliver = deliver, .closure = self};
    struct imp_metric_row gauge = {
        .size = sizeof gauge, .name = "crashes", .read = read_metric, .closure = self};
    imp_module_every(module, 1, tick, self);
    return imp_hook_log(module, &told) || imp_delivery_method(module, &method) ||
           imp_smtp_add(module, &extension) || imp_listener_add(module, &listener) ||
           !imp_metric_gauge(module, &gauge) || add_hooks(self) ||
           add_command(self, "crash now", command_now) || add_command(self, "crash later", command_later) ||
           add_command(self, "crash much", command_much) || add_command(self, "crash loops", command_loops);
}

static void teardown(struct imp_module *module)
{
    in(imp_module_data(module), "teardown");
    free(imp_module_data(module));
}

IMP_MODULE_DEFINE(.name = "crashes", .description = "Crashes in one of its callbacks", .kind = IMP_SINGLETON,
                  .setup = setup, .policy = policy, .outbound_policy = outbound_policy, .teardown = teardown);
