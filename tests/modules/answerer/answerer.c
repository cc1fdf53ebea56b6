/*
 * answerer: hooks a point that another module declares, and blocks where it may.
 *
 *   refused@    is refused at asker's point
 *   blocked@    its hook at validate_data_spool_each_rcpt blocks on a thread of `pool` until unblock@ is
 * asked about refuser@    that hook refuses with what the session says, read on the pool's thread
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <impulse/hooks.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t unblocked = PTHREAD_COND_INITIALIZER;
static unsigned unblocks; /* that no blocked@ has used yet */

static bool is(const char *recipient, const char *local)
{
    size_t size = strlen(local);
    return strncmp(recipient, local, size) == 0 && recipient[size] == '@';
}

static enum imp_verdict about_recipient(struct imp_call *call, void *closure)
{
    const char *recipient = imp_call_argument(call);
    (void)closure;
    if (is(recipient, "unblock")) {
        pthread_mutex_lock(&lock);
        unblocks++;
        pthread_cond_signal(&unblocked);
        pthread_mutex_unlock(&lock);
    }
    if (!is(recipient, "refused"))
        return IMP_CONT;
    imp_call_reject(call, 550, "5.7.1", "not that one");
    return IMP_DONE;
}

static enum imp_verdict each_rcpt(struct imp_call *call, void *closure)
{
    struct imp_session *session = imp_call_session(call);
    const char *recipient = imp_session_recipient(session);
    (void)closure;
    if (is(recipient, "blocked")) {
        pthread_mutex_lock(&lock);
        while (unblocks == 0)
            pthread_cond_wait(&unblocked, &lock);
        unblocks--;
        pthread_mutex_unlock(&lock);
    }
    if (!is(recipient, "refuser"))
        return IMP_CONT;
    char text[400];
    snprintf(text, sizeof text, "from %s by %s", imp_session_reverse_path(session),
             imp_session_peer_text(session));
    imp_call_reject(call, 451, "4.7.1", text);
    return IMP_DONE;
}

static int setup(struct imp_module *module, const struct imp_config *config)
{
    struct imp_hook blocking = {.size = sizeof blocking,
                                .point = "validate_data_spool_each_rcpt",
                                .run = each_rcpt,
                                .priority = IMP_PRIORITY_LAST,
                                .flags = IMP_HOOK_MAY_BLOCK,
                                .pool = imp_config_text(config, "pool")};
    imp_hook_add(module, &blocking); /* that it fails stops the start all the same */
    return imp_hook_at(module, imp_config_text(config, "point"), about_recipient, NULL);
}

IMP_MODULE_DEFINE(.name = "answerer", .description = "Answers asker, and may block", .kind = IMP_SINGLETON,
                  .setup = setup);
