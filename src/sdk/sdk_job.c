/*
 * work: a module's blocking work on a thread pool. The job refers to the module set, so that the instance is
 * there until the work is done, even when its generation has ended meanwhile.
 */
#include <errno.h>
#include <stdatomic.h>
#include "base/mem.h"
#include "sdk/sdk_loop.h"

struct imp_work {
    struct pool_job job;
    struct pool *pool;
    struct imp_module *module;
    struct runner runner, done_runner;
    void (*call)(void *closure);
    void (*done)(enum imp_job_result result, void *closure);
    void *closure;
    atomic_bool cancelled; /* asked to end early, or not begun at all */
    enum imp_job_result result;
};

static _Thread_local struct imp_work *current;

static void run(struct pool_job *job)
{
    struct imp_work *work = container_of(job, struct imp_work, job), *before = current;
    struct module_set *set = work->module->set;
    bool report = work->done != NULL;
    const struct runner *outer = runner_enter(&work->runner);
    current = work;
    work->call(work->closure);
    current = before; /* a pool without threads runs a job within another one */
    runner_leave(outer);
    if (report)
        return; /* the pool brings it to done() */
    free(work);
    module_set_unref(set);
}

static void done(struct pool_job *job)
{
    struct imp_work *work = container_of(job, struct imp_work, job);
    struct module_set *set = work->module->set;
    const struct runner *outer = runner_enter(&work->done_runner);
    work->done(work->result, work->closure);
    runner_leave(outer);
    free(work);
    module_set_unref(set);
}

/* ---- starting -------------------------------------------------------------------------------- */

static struct loop *home_of(const struct imp_job *job)
{
    if (job->loop)
        return sdk_loop_of(job->loop);
    if (loop_current())
        return loop_current();
    return imp_loop_main() ? sdk_loop_of(imp_loop_main()) : NULL;
}

/* 0 or an errno. */
static int hand_over(struct imp_work *work, unsigned flags)
{
    if (pool_try(work->pool, &work->job))
        return 0;
    if (!(flags & IMP_JOB_WAIT))
        return EAGAIN;
    return pool_queue(work->pool, &work->job) ? 0 : ENOMEM;
}

static struct imp_work *make_work(struct imp_module *module, struct pool *pool, const struct imp_job *job)
{
    struct imp_work *work = mem_new(struct imp_work);
    work->job.work = run;
    work->job.done = job->done ? done : NULL;
    work->pool = pool;
    work->module = module;
    work->runner = (struct runner){module->label, "its job", ""};
    work->job.owner = (struct pool_job_owner){module->label, "its job", ""};
    work->done_runner = (struct runner){module->label, "the end of its job", ""};
    work->call = job->work;
    work->done = job->done;
    work->closure = job->closure;
    return work;
}

/* 0 or an errno. */
static int start(struct imp_module *module, const struct imp_job *job, struct imp_work **handle)
{
    struct pool_set *pools = module->set->pools;
    struct pool *pool = pools ? pool_set_find(pools, job->pool ? job->pool : "IO") : NULL;
    struct loop *home = job->done ? home_of(job) : NULL;
    if (!pool)
        return ENOENT;
    if ((job->done && !home) || !sdk_jobs_enter())
        return ESHUTDOWN;
    struct imp_work *work = make_work(module, pool, job);
    work->job.home = home;
    module_set_ref(module->set);
    if (job->done)
        *handle = work; /* before it can be done */
    int error = hand_over(work, job->flags);
    sdk_jobs_leave();
    if (error) {
        *handle = NULL;
        module_set_unref(module->set);
        free(work);
    }
    return error;
}

static int start_job(struct imp_module *module, const struct imp_job *job, struct imp_work **handle)
{
    struct imp_work *unused;
    handle = handle ? handle : &unused;
    *handle = NULL;
    if (!job->work)
        module_name_misuse(module, "it starts a job without a function, or whose struct has no size");
    int error = job->work ? start(module, job, handle) : EINVAL;
    if (error)
        errno = error;
    return error ? -1 : 0;
}

int imp_job_start(struct imp_module *module, const struct imp_job *job, struct imp_work **work)
{
    struct imp_job read;
    module_copy_struct(&read, sizeof read, job);
    return start_job(module, &read, work);
}

int imp_work_submit(struct imp_module *module, const char *pool, void (*call)(void *argument), void *argument)
{
    return start_job(module, &(struct imp_job){.pool = pool, .work = call, .closure = argument}, NULL);
}

/* ---- cancelling ------------------------------------------------------------------------------ */

static void run_cancelled(struct loop_task *task)
{
    done(container_of(task, struct pool_job, task));
}

void imp_job_cancel(struct imp_work *work)
{
    if (atomic_exchange(&work->cancelled, true) || !pool_cancel(work->pool, &work->job))
        return;
    work->result = IMP_JOB_CANCELLED;
    work->job.task.run = run_cancelled;
    loop_post(work->job.home, &work->job.task);
}

bool imp_job_is_cancelled(void)
{
    return current && atomic_load(&current->cancelled);
}
