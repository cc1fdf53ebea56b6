/*
 * recipients: what it does after the content depends on the local part of the recipient.
 *
 *   each-CODE@   validate_data_spool_each_rcpt refuses this recipient with CODE
 *   bind-CODE@   validate_set_binding does
 *   never@       validate_data_spool_each_rcpt suspends and does not answer; the next wake@ answers all
 *   wake@        answers whoever waits, and is accepted
 *   slow-MS@     suspends, is accepted after MS milliseconds
 *   no@          validate_rcptto refuses it
 *   mark-WORD@   validate_data_spool_each_rcpt sets "mark" in the message context
 *
 * It permits relaying to everybody.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <impulse/hooks.h>
#include <impulse/module.h>
#include <impulse/session.h>

enum { WAITING_MAX = 16 };

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct imp_suspension *waiting[WAITING_MAX];
static unsigned waiting_count;

static enum imp_verdict refuse(struct imp_call *call, const char *prefix)
{
    char pattern[32];
    int code;
    snprintf(pattern, sizeof pattern, "%s-%%3d@", prefix);
    if (sscanf(imp_session_recipient(imp_call_session(call)), pattern, &code) != 1)
        return IMP_CONT;
    imp_call_reject(call, code, code < 500 ? "4.7.1" : "5.7.1", "not for this recipient");
    return IMP_DONE;
}

static void answer_all(void)
{
    pthread_mutex_lock(&lock);
    while (waiting_count > 0)
        imp_suspension_resume(waiting[--waiting_count], IMP_CONT, 0, NULL, NULL);
    pthread_mutex_unlock(&lock);
}

static enum imp_verdict wait_for_wake(struct imp_call *call)
{
    pthread_mutex_lock(&lock);
    if (waiting_count < WAITING_MAX)
        waiting[waiting_count++] = imp_call_suspend(call, NULL, NULL);
    pthread_mutex_unlock(&lock);
    return IMP_AGAIN;
}

struct nap {
    struct imp_suspension *suspension;
    long milliseconds;
};

static void *answer_after_nap(void *argument)
{
    struct nap *nap = argument;
    struct timespec wait = {nap->milliseconds / 1000, nap->milliseconds % 1000 * 1000000};
    nanosleep(&wait, NULL);
    imp_suspension_resume(nap->suspension, IMP_CONT, 0, NULL, NULL);
    free(nap);
    return NULL;
}

static enum imp_verdict rcptto(struct imp_call *call, void *closure)
{
    struct imp_session *session = imp_call_session(call);
    (void)closure;
    imp_session_permit_relay(session);
    if (strncmp(imp_session_recipient(session), "no@", 3) != 0)
        return IMP_CONT;
    imp_call_reject(call, 550, "5.7.1", "not this recipient");
    return IMP_DONE;
}

/* No recipient is in question where the message as a whole is. */
static enum imp_verdict whole(struct imp_call *call, void *closure)
{
    struct imp_session *session = imp_call_session(call);
    (void)closure;
    if (!imp_session_recipient(session) && !imp_session_recipient_domain(session))
        return IMP_CONT;
    imp_call_reject(call, 554, "5.3.0", "a recipient is still in question");
    return IMP_DONE;
}

/* What is set for one recipient is not there for the next. */
static enum imp_verdict mark(struct imp_call *call)
{
    struct imp_session *session = imp_call_session(call);
    const char *recipient = imp_session_recipient(session);
    if (imp_context_get(session, IMP_CONTEXT_MESSAGE, "mark")) {
        imp_call_reject(call, 554, "5.3.0", "the mark of another recipient is there");
        return IMP_DONE;
    }
    if (strncmp(recipient, "mark-", 5) == 0)
        imp_context_set(session, IMP_CONTEXT_MESSAGE, "mark", recipient);
    return IMP_CONT;
}

static enum imp_verdict each_rcpt(struct imp_call *call, void *closure)
{
    struct imp_session *session = imp_call_session(call);
    const char *recipient = imp_session_recipient(session);
    long milliseconds;
    pthread_t thread;
    (void)closure;
    if (mark(call) == IMP_DONE)
        return IMP_DONE;
    if (strncmp(recipient, "never@", 6) == 0)
        return wait_for_wake(call);
    if (strncmp(recipient, "wake@", 5) == 0)
        answer_all();
    if (sscanf(recipient, "slow-%ld@", &milliseconds) == 1) {
        struct nap *nap = malloc(sizeof *nap);
        if (!nap)
            return IMP_CONT;
        *nap = (struct nap){imp_call_suspend(call, NULL, NULL), milliseconds};
        if (pthread_create(&thread, NULL, answer_after_nap, nap) == 0)
            pthread_detach(thread);
        return IMP_AGAIN;
    }
    return refuse(call, "each");
}

static enum imp_verdict set_binding(struct imp_call *call, void *closure)
{
    (void)closure;
    return refuse(call, "bind");
}

static int setup(struct imp_module *module, const struct imp_config *config)
{
    (void)config;
    imp_hook_at(module, "validate_rcptto", rcptto, module);
    imp_hook_at(module, "validate_mailfrom", whole, module);
    imp_hook_at(module, "validate_data", whole, module);
    imp_hook_at(module, "validate_data_spool_each_rcpt", each_rcpt, module);
    imp_hook_at(module, "validate_set_binding", set_binding, module);
    return 0;
}

static void teardown(struct imp_module *module)
{
    (void)module;
    answer_all();
}

IMP_MODULE_DEFINE(.name = "recipients",
                  .description = "Refuses recipients one by one after the content, late or never",
                  .kind = IMP_SINGLETON, .setup = setup, .teardown = teardown);
