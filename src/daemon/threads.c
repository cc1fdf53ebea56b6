/*
 * threads: event loops and thread pools from the configuration. Neither changes at reload (manual,
 * "eventloop").
 */
#include "daemon/threads.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>
#include "base/mem.h"
#include "module/module.h"
#include "module/runner.h"
#include "policy/fields.h"
#include "sdk/sdk_loop.h"
#include "smtp/server/server.h"

enum {
    JOBS_MS = 5000,    /* what jobs of modules have at the end of the process */
    OTHERS_MS = 30000, /* what those of the daemon have, when a module's does not end */
    STEP_MS = 200,
};

static const char default_name[] = "loop";

struct watch_task { /* of one loop */
    struct loop_task task;
    struct loop *loop;
};

struct threads {
    struct pool_set *pools;
    struct loop_group **groups; /* the default one first */
    size_t count;
    struct watch_task *watches;
};

static const struct policy_field fields[] = {
#define POOL(field, option, type) POLICY_FIELD(struct pool_settings, field, option, type),
#include "policy/fields_of.h"
};

/* Returns what a ThreadPool or EventLoop stanza sets, and otherwise what `known` has; a new one has one thread. */
static struct pool_settings settings_of(const struct conf *conf, const struct conf_scope *scope,
                                        const struct pool *known)
{
    struct pool_settings settings = {.concurrency = 1};
    if (known)
        settings = pool_settings_of(known);
    settings.name = conf_scope_name(scope);
    policy_fields_overlay(&settings, fields, POLICY_FIELD_COUNT(fields), conf, scope);
    return settings;
}

static bool add_group(struct threads *threads, const char *name, unsigned concurrency, char *error,
                      size_t error_size)
{
    struct loop_group *group = loop_group_create(name, concurrency ? concurrency : 1);
    if (!group) {
        snprintf(error, error_size, "cannot make event loop \"%s\": %s", name, strerror(errno));
        return false;
    }
    threads->groups = mem_resize(threads->groups, (threads->count + 1) * sizeof *threads->groups);
    threads->groups[threads->count++] = group;
    return true;
}

static void define_pools(struct threads *threads, const struct conf *conf)
{
    const struct conf_scope *scope = NULL;
    while ((scope = conf_scope_next(conf_root(conf), "threadpool", scope))) {
        struct pool *known = pool_set_find(threads->pools, conf_scope_name(scope));
        struct pool_settings settings = settings_of(conf, scope, known);
        pool_set_define(threads->pools, &settings);
    }
}

/* Work that may block would run on the event loop that submits it. Close is Momentum's, and of no such work.
 */
void threads_check(const struct conf *conf, struct conf_report *report)
{
    const struct conf_scope *scope = NULL;
    while ((scope = conf_scope_next(conf_root(conf), "threadpool", scope))) {
        const struct conf_value *value = conf_scope_value(scope, "concurrency");
        if (value && value->number == 0 && strcasecmp(conf_scope_name(scope), "Close") != 0)
            conf_report_add(
                report, CONF_ERROR, value->place,
                "ThreadPool \"%s\": Concurrency = 0 leaves nobody to run its work; only Close may have none",
                conf_scope_name(scope));
    }
}

struct threads *threads_create(const struct conf *conf, char *error, size_t error_size)
{
    struct threads *threads = mem_new(struct threads);
    const struct conf_scope *scope = NULL;
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    threads->pools = pool_set_create();
    define_pools(threads, conf);
    bool made = add_group(threads, default_name, cores > 0 ? (unsigned)cores : 1, error, error_size);
    while (made && (scope = conf_scope_next(conf_root(conf), "eventloop", scope)))
        made = add_group(threads, conf_scope_name(scope), settings_of(conf, scope, NULL).concurrency, error,
                         error_size);
    int started = made ? pool_set_start(threads->pools) : 0;
    if (started < 0)
        snprintf(error, error_size, "cannot start the thread pools: %s", strerror(-started));
    if (made && started == 0)
        return threads;
    threads_free(threads);
    return NULL;
}

struct pool_set *threads_pools(struct threads *threads)
{
    return threads->pools;
}

struct loop_group *threads_loops(struct threads *threads, const char *name)
{
    for (size_t i = 1; name && *name && i < threads->count; i++)
        if (strcasecmp(loop_group_name(threads->groups[i]), name) == 0)
            return threads->groups[i];
    return threads->groups[0];
}

struct loop **threads_all_loops(const struct threads *threads, struct loop *main, unsigned *count)
{
    size_t size = 1;
    for (size_t i = 0; i < threads->count; i++)
        size += loop_group_size(threads->groups[i]);
    struct loop **loops = mem_array(size, sizeof(struct loop *));
    loops[0] = main;
    *count = 1;
    for (size_t i = 0; i < threads->count; i++)
        for (unsigned j = 0; j < loop_group_size(threads->groups[i]); j++)
            loops[(*count)++] = loop_group_at(threads->groups[i], j);
    return loops;
}

/* Runs on the loop's thread, and makes visible to forced_end.h which callback of a module it is in. */
static void watch(struct loop_task *task)
{
    runner_watch(container_of(task, struct watch_task, task)->loop);
}

static void watch_loops(struct threads *threads)
{
    unsigned count;
    struct loop **loops = threads_all_loops(threads, NULL, &count);
    threads->watches = mem_array(count, sizeof *threads->watches);
    runner_watch(loop_current());
    for (unsigned i = 1; i < count; i++) {
        threads->watches[i] = (struct watch_task){{.run = watch}, loops[i]};
        loop_post(loops[i], &threads->watches[i].task);
    }
    free(loops);
}

bool threads_start(struct threads *threads)
{
    sdk_loops_start();
    watch_loops(threads);
    for (size_t i = 0; i < threads->count; i++)
        if (loop_group_start(threads->groups[i]) < 0)
            return false;
    return true;
}

/* ---- the end of jobs ------------------------------------------------------------------------- */

void threads_rest(struct threads *threads, void (*leave)(void))
{
    unsigned others;
    sdk_loops_close_jobs();
    if (pool_set_wait_for(threads->pools, JOBS_MS))
        return;
    for (unsigned waited = JOBS_MS; !pool_set_wait_for(threads->pools, STEP_MS); waited += STEP_MS)
        if (pool_set_running(threads->pools, &others, NULL, NULL) > 0 && (others == 0 || waited >= OTHERS_MS))
            leave();
}

void threads_stop(struct threads *threads)
{
    sdk_loops_close_jobs();
    pool_set_wait(threads->pools); /* the answers of the last jobs reach loops that still run */
    module_suspensions_close();    /* and those of modules' own threads, until here */
    sdk_loops_close();
    smtp_server_close_calls();
    for (size_t i = 0; i < threads->count; i++)
        loop_group_stop(threads->groups[i]);
    sdk_loops_stop();
}

void threads_free(struct threads *threads)
{
    pool_set_free(threads->pools);
    for (size_t i = 0; i < threads->count; i++)
        loop_group_free(threads->groups[i]);
    free(threads->groups);
    free(threads->watches);
    free(threads);
}
