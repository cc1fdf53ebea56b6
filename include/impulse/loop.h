/*
 * impulse/loop.h: event loops, functions that run on them, and work that may block.
 *
 * An event loop is a thread that runs many sessions, deliveries, timers and streams in turn; each of these belongs to
 * one loop for life, and only that loop's thread may touch it. What runs on a loop must not block: a loop that waits
 * holds up everything else on it. Work that may block is a job (imp_job_start), which runs on a thread pool and may
 * have its result brought back to a loop. The daemon's main thread, which runs setup, policy and teardown functions,
 * ticks and console commands, has a loop of its own (index 0).
 *
 * Example: a look-up that blocks, and its answer on the loop of the session that waits for it.
 *
 *     static void look_up(void *closure) { ((struct question *)closure)->answer = ask_the_database(closure); }
 *     static void answered(enum imp_job_result result, void *closure) { ... resume the session, free(closure) ... }
 *     ... in a hook:
 *     struct imp_job job = {sizeof job, "IO", look_up, answered, imp_session_loop(session), question, 0};
 *     if (imp_job_start(module, &job, NULL) < 0)
 *         ... too busy ...
 */
#ifndef IMPULSE_LOOP_H
#define IMPULSE_LOOP_H

#include "impulse/module.h"

#ifdef __cplusplus
extern "C" {
#endif

struct imp_session;
struct imp_loop; /* the daemon's; lives as long as any module */

/* ---- loops ------------------------------------------------------------------------------------------------- */

/* The loop whose thread this is, or NULL: on a thread of a pool, or of the module's own. */
IMP_API struct imp_loop *imp_loop_current(void);
/* The loop of the main thread. */
IMP_API struct imp_loop *imp_loop_main(void);
/* The loop that a session belongs to. From within a hook. */
IMP_API struct imp_loop *imp_session_loop(const struct imp_session *session);

/*
 * All loops, the main thread's being number 0. The number of loops does not change while the process lives: state for
 * each loop can be an array of that size, made in setup, which each loop uses at imp_loop_index without a lock.
 */
IMP_API unsigned imp_loop_count(void);
/* NULL when there is no such. */
IMP_API struct imp_loop *imp_loop_at(unsigned index);
IMP_API unsigned imp_loop_index(const struct imp_loop *loop);
/* The time by which the loop's timers go: milliseconds that only grow, as of its current turn. Its thread. */
IMP_API uint64_t imp_loop_now(const struct imp_loop *loop);

/*
 * Has `run(closure)` called once on the loop's thread, in a later turn even when this is that thread. What one thread
 * posts to one loop runs in the order in which it was posted. The instance is not torn down before it has run. Any
 * thread. 0, or -1 when the process ends and the loop takes nothing any more: `run` is not called then, and `closure`
 * is still the caller's.
 */
IMP_API int imp_loop_post(struct imp_loop *loop, struct imp_module *module, void (*run)(void *closure),
                          void *closure);

/* ---- jobs -------------------------------------------------------------------------------------------------- */

enum imp_job_result {
    IMP_JOB_DONE,      /* `work` has run */
    IMP_JOB_CANCELLED, /* imp_job_cancel came before it had begun: it was not called */
};

enum imp_job_flags {
    /*
     * Wait for room in a full pool, in the order of arrival, instead of being refused. The caller itself never waits.
     * For what is bounded otherwise, by a number of sessions, say: the job that waits costs memory.
     */
    IMP_JOB_WAIT = 1,
};

struct imp_job {
    size_t size;                 /* sizeof(struct imp_job) */
    const char *pool;            /* a ThreadPool's name; NULL: "IO" */
    void (*work)(void *closure); /* on a thread of the pool, where it may block */
    /* On `loop` after `work`, or after imp_job_cancel. NULL: nobody waits for it, and `loop` is not used. */
    void (*done)(enum imp_job_result result, void *closure);
    struct imp_loop *loop; /* NULL: the loop whose thread this is, and on other threads the main thread's */
    void *closure;
    unsigned flags; /* enum imp_job_flags */
};

struct imp_work; /* a job that was started and has `done`; valid until `done` is called */

/*
 * Starts a job; the struct is copied. The instance is not torn down before `done`, or without it `work`, has returned.
 * At the end of the process a job that runs has 5 seconds; then the process ends without it.
 * *work (`work` may be NULL) is for imp_job_cancel; it is NULL for a job without `done`.
 *
 * 0, or -1 with errno set, and neither `work` nor `done` will be called: EINVAL no `work`; ENOENT there is no such
 * pool; EAGAIN as many jobs wait as the pool's Backlog allows; ENOMEM the system refuses a thread; ESHUTDOWN the
 * process ends. Any thread; never blocks. Work for a pool without threads (Momentum's "Close") that a loop brings runs
 * in the pool IO.
 */
IMP_API int imp_job_start(struct imp_module *module, const struct imp_job *job, struct imp_work **work);
/*
 * Takes the job back if no thread has begun it; otherwise asks it to end early (imp_job_is_cancelled). `done` is called
 * in a later turn in both cases. The thread of the job's loop only, before `done` was called there.
 */
IMP_API void imp_job_cancel(struct imp_work *work);
/* Within `work`: was imp_job_cancel called meanwhile? False on a thread that runs no job. */
IMP_API bool imp_job_is_cancelled(void);

#ifdef __cplusplus
}
#endif
#endif
