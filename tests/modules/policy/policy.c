/*
 * policy: a module as a site would write it, to show that the installed headers are enough for one.
 *
 * What it does with a recipient depends on the local part:
 *
 *   refused@     550 5.7.1 with the configured greeting
 *   pool@        suspends, is accepted from a thread of the IO pool
 *   poolno@      suspends, is refused from there
 *   held@        suspends, waits in the configured pool until release@ comes; 451 when the pool takes no more
 *   release@     lets one held@ go
 *   thread@      suspends, is accepted from a thread of the module's own
 *   to-NAME@     is bound to binding NAME
 *   seen@        is refused with what the two contexts hold
 *
 * It permits relaying to everybody, and refuses content that says "X-Refuse:".
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <impulse/hooks.h>
#include <impulse/module.h>
#include <impulse/session.h>

struct settings { /* of one instance: after a reload, sessions of the old one may still ask */
    char greeting[100], pool[100];
    long limit;
};

static bool is(const char *recipient, const char *local)
{
    size_t size = strlen(local);
    return strncmp(recipient, local, size) == 0 && recipient[size] == '@';
}

static void accept_later(void *suspension)
{
    imp_suspension_resume(suspension, IMP_CONT, 0, NULL, NULL);
}

static void refuse_later(void *suspension)
{
    imp_suspension_resume(suspension, IMP_DONE, 451, "4.7.1", "not from this pool");
}

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t released = PTHREAD_COND_INITIALIZER;
static unsigned releases; /* that no held@ has used yet */

static void release_one(void)
{
    pthread_mutex_lock(&lock);
    releases++;
    pthread_cond_signal(&released);
    pthread_mutex_unlock(&lock);
}

static void accept_when_released(void *suspension)
{
    pthread_mutex_lock(&lock);
    while (releases == 0)
        pthread_cond_wait(&released, &lock);
    releases--;
    pthread_mutex_unlock(&lock);
    accept_later(suspension);
}

static void *accept_from_thread(void *suspension)
{
    accept_later(suspension);
    return NULL;
}

static enum imp_verdict mailfrom(struct imp_call *call, void *closure)
{
    struct imp_session *session = imp_call_session(call);
    (void)closure;
    imp_context_set(session, IMP_CONTEXT_CONNECTION, "policy_peer", imp_session_peer_text(session));
    imp_context_set(session, IMP_CONTEXT_MESSAGE, "policy_sender", imp_session_reverse_path(session));
    return IMP_CONT;
}

static enum imp_verdict rcptto(struct imp_call *call, void *closure)
{
    struct imp_session *session = imp_call_session(call);
    struct imp_module *module = closure;
    const struct settings *settings = imp_module_data(module);
    const char *recipient = imp_session_recipient(session);
    char text[400];
    pthread_t thread;
    imp_session_permit_relay(session);
    if (is(recipient, "refused")) {
        imp_call_reject(call, 550, "5.7.1", settings->greeting);
        return IMP_DONE;
    }
    if (is(recipient, "seen")) {
        snprintf(text, sizeof text, "peer=%s sender=%s limit=%ld",
                 imp_context_get(session, IMP_CONTEXT_CONNECTION, "policy_peer"),
                 imp_context_get(session, IMP_CONTEXT_MESSAGE, "policy_sender"), settings->limit);
        imp_call_reject(call, 550, "5.7.1", text);
        return IMP_DONE;
    }
    if (is(recipient, "pool") || is(recipient, "poolno")) {
        imp_work_submit(module, NULL, is(recipient, "pool") ? accept_later : refuse_later,
                        imp_call_suspend(call, NULL, NULL));
        return IMP_AGAIN;
    }
    if (is(recipient, "release")) {
        release_one();
        return IMP_CONT;
    }
    if (is(recipient, "held")) {
        struct imp_suspension *suspension = imp_call_suspend(call, NULL, NULL);
        if (imp_work_submit(module, settings->pool, accept_when_released, suspension) < 0)
            refuse_later(suspension);
        return IMP_AGAIN;
    }
    if (is(recipient, "thread")) {
        if (pthread_create(&thread, NULL, accept_from_thread, imp_call_suspend(call, NULL, NULL)) == 0)
            pthread_detach(thread);
        return IMP_AGAIN;
    }
    return IMP_CONT;
}

static enum imp_verdict data(struct imp_call *call, void *closure)
{
    struct imp_session *session = imp_call_session(call);
    size_t size;
    const char *head = imp_session_message_head(session, &size);
    (void)closure;
    if (!memmem(head, size, "X-Refuse:", 9))
        return IMP_CONT;
    imp_call_reject(call, 554, "5.6.0", "content refused");
    return IMP_DONE;
}

static enum imp_verdict set_binding(struct imp_call *call, void *closure)
{
    struct imp_session *session = imp_call_session(call);
    const char *recipient = imp_session_recipient(session);
    char name[64];
    (void)closure;
    if (sscanf(recipient, "to-%63[^@]", name) == 1)
        imp_session_set_binding(session, name, NULL);
    return IMP_CONT;
}

static int setup(struct imp_module *module, const struct imp_config *config)
{
    struct settings *settings = calloc(1, sizeof *settings);
    if (!settings)
        return -1;
    imp_module_set_data(module, settings);
    snprintf(settings->greeting, sizeof settings->greeting, "%s", imp_config_text(config, "greeting"));
    snprintf(settings->pool, sizeof settings->pool, "%s", imp_config_text(config, "pool"));
    settings->limit = (long)imp_config_int(config, "limit");
    imp_hook_at(module, "validate_mailfrom", mailfrom, module);
    imp_hook_at(module, "validate_rcptto", rcptto, module);
    imp_hook_at(module, "validate_data", data, module);
    imp_hook_at(module, "validate_set_binding", set_binding, module);
    imp_paniclog(module, IMP_NOTICE, "set up with greeting \"%s\"", settings->greeting);
    return 0;
}

static void teardown(struct imp_module *module)
{
    free(imp_module_data(module));
}

IMP_MODULE_DEFINE(.name = "policy", .description = "Answers by the local part of the recipient",
                  .kind = IMP_SINGLETON, .setup = setup, .teardown = teardown);
