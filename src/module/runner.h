/*
 * runner.h: which callback of which module a thread is in, for those who have to name it: the crash guard, the end of
 * the process, and lines about what a module does at the wrong moment.
 *
 * A runner is registered with each callback (or lies on the stack of the caller); entering one is two stores.
 */
#ifndef IMPULSE_MODULE_RUNNER_H
#define IMPULSE_MODULE_RUNNER_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct loop;

struct runner {
    const char *module; /* its label; lives as long as the callback may run */
    const char *kind;   /* "its hook at", "its setup", ... */
    const char *what;   /* "validate_rcptto", or "" */
};

/* What a watched thread does when a module returns. */
enum runner_wish {
    RUNNER_GOES_ON,
    RUNNER_TELLS, /* notes which callback it was, for runner_told */
    RUNNER_WAITS, /* until somebody has read that */
    RUNNER_PARKS, /* for good */
};

struct runner_thread {
    _Atomic(const struct runner *) current; /* NULL: no module runs on this thread */
    _Atomic uint64_t entered;               /* how often one has begun */
    _Atomic unsigned wish;
};
extern _Thread_local struct runner_thread runner_thread;

/* Does what the wish of the calling thread is. Called by runner_leave. */
void runner_obey(void);

/* The one that is current on this thread; NULL: none. */
static inline const struct runner *runner_now(void)
{
    return atomic_load_explicit(&runner_thread.current, memory_order_relaxed);
}

/* Returns the one that was current, to be passed to runner_leave. */
static inline const struct runner *runner_enter(const struct runner *runner)
{
    const struct runner *before = runner_now();
    uint64_t entered = atomic_load_explicit(&runner_thread.entered, memory_order_relaxed);
    atomic_store_explicit(&runner_thread.entered, entered + 1, memory_order_relaxed);
    atomic_store_explicit(&runner_thread.current, runner, memory_order_release);
    return before;
}

static inline void runner_leave(const struct runner *before)
{
    if (atomic_load_explicit(&runner_thread.wish, memory_order_relaxed) != RUNNER_GOES_ON)
        runner_obey();
    atomic_store_explicit(&runner_thread.current, before, memory_order_release);
}

/* Writes "NAME: its hook at POINT", cut where `size` ends; for NULL that it is a thread of a module's own. */
void runner_name(const struct runner *runner, char *text, size_t size);
/* An attachment_call_fn: calls the release function of what the instance `module` attached. */
void runner_release(const void *module, void (*release)(void *data), void *data);

/* ---- threads that are watched ------------------------------------------------------------------------------- */

/* Has the functions below watch the calling thread, which is that of `loop`, until it ends. Main thread and loops. */
void runner_watch(struct loop *loop);
/*
 * To be called repeatedly by one thread, `elapsed_ms` after its last call. Finds the watched thread that has been in
 * its current call of a module for the longest time, and returns for how many milliseconds at least.
 */
unsigned runner_longest(unsigned elapsed_ms);
/*
 * Parks every watched thread that has been in one call for `least_ms`: it stops when the module returns, so that others
 * may use what belongs to its loop. Calls `tell` (may be NULL) with "NAME: its hook at POINT" for each parked thread
 * that is still in the call.
 */
void runner_park(unsigned least_ms, void (*tell)(const char *what, void *closure), void *closure);
/* Is the loop's thread parked, and still in the call? */
bool runner_is_parked(const struct loop *loop);

/* Asks the loop's thread, if it is in a callback of a module now, to note its name when it returns. */
void runner_ask(const struct loop *loop);
/* Writes the name that the calling thread has noted within the last `within_ms`; "" if it has noted none. */
void runner_told(uint64_t within_ms, char *text, size_t size);
/*
 * Writes the callback in which the loop's thread is and has been since `entered` (runner_entered), or "". The thread
 * waits if the callback returns meanwhile: 50 ms at most.
 */
void runner_name_of(const struct loop *loop, uint64_t entered, char *text, size_t size);
/* Returns how many callbacks the loop's thread has begun. */
uint64_t runner_entered(const struct loop *loop);

#endif
