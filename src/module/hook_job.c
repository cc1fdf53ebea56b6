/*
 * hook_job: hooks that may block (IMP_HOOK_MAY_BLOCK): each runs as a job of a pool while its call is
 * suspended.
 *
 * From the start of the job until its end is heard on the loop, the call and what can be reached from it
 * belong to the pool's thread. An owner that does not want to wait for the end takes the job back, which
 * keeps clients that come and go from filling the pool's queue. When a thread has begun with it the owner
 * abandons the job, and frees nothing until it is told that the hook has returned.
 */
#include <stdatomic.h>
#include "base/clock.h"
#include "base/mem.h"
#include "module/set.h"

struct hook_job {
    struct pool_job job;
    struct imp_call *call;
    struct module_set *set; /* a reference */
    _Atomic bool begun;
    int verdict;
    uint64_t due_ms;                         /* clock_mono_ms */
    void (*released)(struct imp_call *call); /* NULL: the answer is wanted */
};

static void run(struct pool_job *pool_job)
{
    struct hook_job *job = container_of(pool_job, struct hook_job, job);
    struct hook *hook = hook_call_current(job->call);
    atomic_store_explicit(&job->begun, true, memory_order_relaxed);
    const struct runner *outer = runner_enter(&hook->runner);
    job->verdict = (int)hook->run(job->call, hook->closure);
    runner_leave(outer);
}

static void done(struct pool_job *pool_job)
{
    struct hook_job *job = container_of(pool_job, struct hook_job, job);
    struct imp_call *call = job->call;
    struct module_set *set = job->set;
    call->job = NULL;
    if (job->released)
        job->released(call);
    else
        call->resumed(call, hook_chain_judge(call, job->verdict));
    free(job);
    module_set_unref(set);
}

enum hook_outcome hook_job_start(struct imp_call *call)
{
    struct hook *hook = hook_call_current(call);
    struct hook_job *job = mem_new(struct hook_job);
    job->job = (struct pool_job){.work = run, .done = done, .home = call->loop};
    job->job.owner = (struct pool_job_owner){hook->module->label, hook->runner.kind, hook->runner.what};
    job->call = call;
    job->set = module_set_ref(call->set);
    job->due_ms = clock_mono_ms() + hook_call_deadline_ms(call);
    call->job = job;
    if (pool_try(hook->pool, &job->job))
        return HOOK_SUSPENDED;
    call->job = NULL;
    module_set_unref(job->set);
    free(job);
    paniclog_rated(
        &hook->unbegun, PANIC_WARNING,
        "module %s: its hook at %s was not called: ThreadPool \"%s\" takes no more jobs (Backlog); refused "
        "with 451 4.3.0",
        hook->module->label, hook->runner.what, pool_name(hook->pool));
    return hook_call_fail(call);
}

bool hook_job_take_back(struct hook_job *job)
{
    struct imp_call *call = job->call;
    if (!pool_cancel(hook_call_current(call)->pool, &job->job))
        return false;
    call->job = NULL;
    module_set_unref(job->set);
    free(job);
    return true;
}

uint64_t hook_job_wait_ms(const struct hook_job *job)
{
    uint64_t now = clock_mono_ms();
    return job->due_ms > now ? job->due_ms - now : 0;
}

bool hook_job_has_begun(const struct hook_job *job)
{
    return atomic_load_explicit(&job->begun, memory_order_relaxed);
}

void hook_job_name_waiting(const struct hook_job *job, const char *limit)
{
    struct hook *hook = hook_call_current(job->call);
    struct pool_counts counts;
    pool_count(hook->pool, &counts);
    paniclog_rated(
        &hook->unbegun, PANIC_ERROR,
        "module %s: its hook at %s was not begun %s: all %u threads of ThreadPool \"%s\" are busy, "
        "and %u jobs wait",
        hook->module->label, hook->runner.what, limit, counts.busy, pool_name(hook->pool), counts.queued);
}

void hook_job_abandon(struct hook_job *job, void (*released)(struct imp_call *call))
{
    job->released = released;
}
