/*
 * work: a module's blocking work on a thread pool. The job refers to the module set, so that the instance is
 * there until the work is done, even when its generation has ended meanwhile.
 */
#include "base/mem.h"
#include "module/set.h"

struct work {
    struct pool_job job;
    struct module_set *set;
    struct runner runner;
    void (*call)(void *argument);
    void *argument;
};

static void run(struct pool_job *job)
{
    struct work *work = container_of(job, struct work, job);
    struct module_set *set = work->set;
    const struct runner *outer = runner_enter(&work->runner);
    work->call(work->argument);
    runner_leave(outer);
    free(work);
    module_set_unref(set);
}

int imp_work_submit(struct imp_module *module, const char *pool_name, void (*call)(void *argument),
                    void *argument)
{
    struct pool_set *pools = module->set->pools;
    struct pool *pool = pools ? pool_set_find(pools, pool_name ? pool_name : "IO") : NULL;
    if (!pool)
        return -1;
    struct work *work = mem_new(struct work);
    work->job.work = run;
    work->set = module_set_ref(module->set);
    work->runner = (struct runner){module->label, "its work", ""};
    work->call = call;
    work->argument = argument;
    if (!loop_current()) {
        pool_submit(pool, &work->job);
        return 0;
    }
    if (pool_try(pool, &work->job))
        return 0;
    module_set_unref(work->set);
    free(work);
    return -1;
}
