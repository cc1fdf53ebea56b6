/*
 * greylist_demo: a module as a site would write one, compiled with ecxs against the installed headers alone.
 *
 * The first attempt of a client, sender and recipient is deferred; after `delay` seconds it passes. The table
 * stands for a database: it is asked on a thread of `pool`, which takes `lookup_ms`, while the session is
 * suspended. It is a file-scope variable, so a reload does not forget it.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <impulse/hooks.h>

struct greylist { /* an instance's options */
    char *pool;
    int64_t delay;
    long lookup_ms;
};

struct lookup {
    struct imp_suspension *suspension;
    struct imp_module *module;
    char triplet[1024];
};

struct entry {
    struct entry *next;
    time_t first_seen;
    char triplet[];
};

static struct entry *table;
static pthread_mutex_t table_lock = PTHREAD_MUTEX_INITIALIZER;

/* When the triplet was first seen; if that is never, now. */
static time_t first_seen(const char *triplet)
{
    pthread_mutex_lock(&table_lock);
    struct entry *entry = table;
    while (entry && strcmp(entry->triplet, triplet) != 0)
        entry = entry->next;
    if (!entry && (entry = malloc(sizeof *entry + strlen(triplet) + 1))) {
        memcpy(entry->triplet, triplet, strlen(triplet) + 1);
        entry->first_seen = time(NULL);
        entry->next = table;
        table = entry;
    }
    time_t seen = entry ? entry->first_seen : 0;
    pthread_mutex_unlock(&table_lock);
    return seen;
}

static void look_up(void *argument) /* on a pool thread */
{
    struct lookup *lookup = argument;
    const struct greylist *greylist = imp_module_data(lookup->module);
    struct timespec pause = {greylist->lookup_ms / 1000, greylist->lookup_ms % 1000 * 1000000};
    nanosleep(&pause, NULL);
    if (time(NULL) - first_seen(lookup->triplet) < greylist->delay)
        imp_suspension_resume(lookup->suspension, IMP_DONE, 451, "4.7.1",
                              "greylisted, please try again later");
    else
        imp_suspension_resume(lookup->suspension, IMP_CONT, 0, NULL, NULL);
    free(lookup);
}

static enum imp_verdict at_rcptto(struct imp_call *call, void *closure)
{
    struct imp_session *session = imp_call_session(call);
    struct imp_module *module = closure;
    const struct greylist *greylist = imp_module_data(module);
    const char *exempt = imp_context_get(session, IMP_CONTEXT_CONNECTION, "greylist_exempt");
    if (exempt)
        return IMP_CONT;
    struct lookup *lookup = malloc(sizeof *lookup);
    if (!lookup)
        return IMP_CONT;
    snprintf(lookup->triplet, sizeof lookup->triplet, "%s %s %s", imp_session_peer_text(session),
             imp_session_reverse_path(session), imp_session_recipient(session));
    lookup->module = module;
    lookup->suspension = imp_call_suspend(call, NULL, NULL);
    if (imp_work_submit(module, greylist->pool, look_up, lookup) != 0) {
        imp_suspension_resume(lookup->suspension, IMP_DONE, 451, "4.3.2", "too busy");
        free(lookup);
    }
    return IMP_AGAIN;
}

/* Who says "friend" at EHLO is not greylisted: the context carries that to the next hook. */
static enum imp_verdict at_ehlo(struct imp_call *call, void *closure)
{
    struct imp_session *session = imp_call_session(call);
    (void)closure;
    if (strcmp(imp_session_ehlo(session), "friend.example") == 0)
        imp_context_set(session, IMP_CONTEXT_CONNECTION, "greylist_exempt", "yes, a friend");
    if (strcmp(imp_session_ehlo(session), "foe.example") == 0) {
        imp_call_reject(call, 550, "5.7.1", "you again");
        return IMP_DONE;
    }
    return IMP_CONT;
}

static int greylist_setup(struct imp_module *module, const struct imp_config *config)
{
    struct greylist *greylist = calloc(1, sizeof *greylist);
    if (!greylist)
        return -1;
    greylist->pool = strdup(imp_config_text(config, "pool"));
    greylist->delay = imp_config_int(config, "delay");
    greylist->lookup_ms = (long)imp_config_int(config, "lookup_ms");
    imp_module_set_data(module, greylist);
    imp_hook_at(module, "validate_ehlo", at_ehlo, module);
    imp_hook_at(module, "validate_rcptto", at_rcptto, module);
    return 0;
}

static void greylist_teardown(struct imp_module *module)
{
    struct greylist *greylist = imp_module_data(module);
    free(greylist->pool);
    free(greylist);
}

IMP_MODULE_DEFINE(.name = "greylist_demo", .description = "Defers first attempts", .kind = IMP_SINGLETON,
                  .setup = greylist_setup, .teardown = greylist_teardown);
