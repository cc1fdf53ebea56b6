/*
 * misbehaves: does at `point` what a module must not do. `what` is one of
 *
 *   never           suspends, and does not answer; when it is told that nobody waits it names the user who
 *                   authenticates, if one does, and resumes
 *   sleep           keeps the event loop for `ms`
 *   job             starts a job that takes `ms`
 *   block           says so, blocks on a thread of the IO pool for `ms`, then touches the session
 *   reject_cont     refuses with 554, and returns IMP_CONT
 *   seven           returns 7
 *   again           returns IMP_AGAIN without a suspension
 *   suspend_cont    suspends, and returns IMP_CONT
 *   resume_twice    suspends, and resumes twice
 *   segfault        writes where it may not
 *   abort           calls abort
 *   exit            calls exit
 *   segfault_CALLBACK   writes where it may not in a tick, work, log, teardown, deliver, cancelled, queue
 *                       (the answer), inject (done) or a blocking hook
 *
 * A recipient good@ is spared. It permits relaying to everybody.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <impulse/delivery.h>
#include <impulse/hooks.h>
#include <impulse/inject.h>
#include <impulse/log.h>
#include <impulse/queue.h>

struct misbehaves {
    struct imp_module *module;
    char what[32];
    long ms;
};

struct waiting {
    struct imp_module *module;
    struct imp_session *session;
    struct imp_suspension *suspension;
};

static volatile int *volatile nowhere = NULL;

static void crash(void)
{
    *nowhere = 1;
}

static bool crashes_in(const struct misbehaves *self, const char *callback)
{
    return strncmp(self->what, "segfault_", 9) == 0 && strcmp(self->what + 9, callback) == 0;
}

static void pause_for(long ms)
{
    struct timespec wait = {ms / 1000, ms % 1000 * 1000000};
    nanosleep(&wait, NULL);
}

static void work(void *closure)
{
    struct misbehaves *self = closure;
    if (strcmp(self->what, "job") == 0)
        pause_for(self->ms);
    else
        crash();
}

static void answered(const struct imp_queue_answer *answer, void *closure)
{
    (void)answer, (void)closure;
    crash();
}

static void injected(const struct imp_injected *result, void *closure)
{
    (void)result, (void)closure;
    crash();
}

static void inject(struct misbehaves *self)
{
    const char *to = "c@rcpt.example";
    struct imp_injection report = {
        .size = sizeof report,
        .sender = "",
        .recipients = &to,
        .recipient_count = 1,
        .content = "Subject: report\r\n\r\n",
        .content_size = 19,
        .done = injected,
    };
    imp_inject(self->module, &report);
}

static void tick(void *closure)
{
    struct misbehaves *self = closure;
    struct imp_queue_question question = {.size = sizeof question, .done = answered};
    if (crashes_in(self, "tick"))
        crash();
    if (crashes_in(self, "queue"))
        imp_queue_ask(self->module, &question);
    if (crashes_in(self, "inject"))
        inject(self);
}

static void rejection(const struct imp_log_rejection *event, void *closure)
{
    (void)event;
    if (crashes_in(closure, "log"))
        crash();
}

static enum imp_delivery_result deliver(struct imp_delivery *delivery, char *response, size_t response_size,
                                        void *closure)
{
    (void)delivery, (void)response, (void)response_size;
    if (crashes_in(closure, "deliver"))
        crash();
    return (enum imp_delivery_result)7;
}

static void cancelled(void *closure)
{
    struct waiting *waiting = closure;
    if (crashes_in(imp_module_data(waiting->module), "cancelled"))
        crash();
    const char *user = imp_session_auth_user(waiting->session);
    imp_paniclog(waiting->module, IMP_ERROR, "nobody waits any more%s%s", user ? " for " : "",
                 user ? user : "");
    imp_suspension_resume(waiting->suspension, IMP_CONT, 0, NULL, NULL);
    free(waiting);
}

static enum imp_verdict suspend(struct imp_call *call, struct misbehaves *self)
{
    struct waiting *waiting = malloc(sizeof *waiting);
    if (!waiting)
        return IMP_CONT;
    waiting->module = self->module;
    waiting->session = imp_call_session(call);
    waiting->suspension = imp_call_suspend(call, cancelled, waiting);
    if (!waiting->suspension)
        free(waiting);
    return IMP_AGAIN;
}

static enum imp_verdict resume_twice(struct imp_call *call)
{
    struct imp_suspension *suspension = imp_call_suspend(call, NULL, NULL);
    imp_suspension_resume(suspension, IMP_DONE, 550, "5.7.1", "once");
    imp_suspension_resume(suspension, IMP_CONT, 0, NULL, NULL);
    return IMP_AGAIN;
}

static enum imp_verdict misbehave(struct imp_call *call, void *closure)
{
    struct misbehaves *self = closure;
    struct imp_session *session = imp_call_session(call);
    const char *recipient = imp_session_recipient(session);
    if (recipient && strncmp(recipient, "good@", 5) == 0)
        return IMP_CONT;
    if (strcmp(self->what, "never") == 0 || crashes_in(self, "cancelled"))
        return suspend(call, self);
    if (strcmp(self->what, "sleep") == 0 || strcmp(self->what, "block") == 0) {
        if (*self->what == 'b')
            imp_paniclog(self->module, IMP_ERROR, "the hook blocks");
        pause_for(self->ms);
        imp_context_set(session, IMP_CONTEXT_CONNECTION, "misbehaves", imp_session_peer_text(session));
        if (imp_session_reverse_path(session))
            imp_context_set(session, IMP_CONTEXT_MESSAGE, "misbehaves", imp_session_reverse_path(session));
    }
    if (strcmp(self->what, "reject_cont") == 0)
        imp_call_reject(call, 554, "5.7.1", "refused and passed on");
    if (strcmp(self->what, "seven") == 0)
        return (enum imp_verdict)7;
    if (strcmp(self->what, "again") == 0)
        return IMP_AGAIN;
    if (strcmp(self->what, "suspend_cont") == 0)
        suspend(call, self);
    if (strcmp(self->what, "resume_twice") == 0)
        return resume_twice(call);
    if (strcmp(self->what, "segfault") == 0 || crashes_in(self, "block"))
        crash();
    if ((crashes_in(self, "work") || strcmp(self->what, "job") == 0) &&
        imp_work_submit(self->module, NULL, work, self) != 0)
        return IMP_DONE;
    if (crashes_in(self, "log"))
        imp_call_reject(call, 550, NULL, "for the rejectlog");
    if (strcmp(self->what, "exit") == 0)
        exit(0);
    if (strcmp(self->what, "abort") == 0)
        abort();
    return IMP_CONT;
}

static enum imp_verdict permit(struct imp_call *call, void *closure)
{
    (void)closure;
    imp_session_permit_relay(imp_call_session(call));
    return IMP_CONT;
}

static int setup(struct imp_module *module, const struct imp_config *config)
{
    struct misbehaves *self = calloc(1, sizeof *self);
    if (!self)
        return -1;
    self->module = module;
    self->ms = (long)imp_config_int(config, "ms");
    snprintf(self->what, sizeof self->what, "%s", imp_config_text(config, "what"));
    imp_module_set_data(module, self);
    struct imp_hook hook = {
        .size = sizeof hook,
        .point = imp_config_text(config, "point"),
        .run = misbehave,
        .closure = self,
        .priority = IMP_PRIORITY_LAST,
        .flags = strcmp(self->what, "block") == 0 || crashes_in(self, "block") ? IMP_HOOK_MAY_BLOCK : 0,
        .deadline_ms = (unsigned)imp_config_int(config, "deadline_ms"),
    };
    struct imp_log_hooks told = {.size = sizeof told, .closure = self, .rejection = rejection};
    struct imp_delivery_method method = {
        .size = sizeof method, .name = "misbehaves", .deliver = deliver, .closure = self};
    imp_hook_log(module, &told);
    imp_module_every(module, 1, tick, self);
    imp_delivery_method(module, &method);
    return imp_hook_at(module, "validate_rcptto", permit, NULL) || imp_hook_add(module, &hook);
}

static void teardown(struct imp_module *module)
{
    if (crashes_in(imp_module_data(module), "teardown"))
        crash();
    free(imp_module_data(module));
}

IMP_MODULE_DEFINE(.name = "misbehaves", .description = "Does what a module must not do",
                  .kind = IMP_SINGLETON, .setup = setup, .teardown = teardown);
