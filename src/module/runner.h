/*
 * runner.h: which callback of which module a thread is in, for those who have to name it: the crash guard,
 * and lines about what a module does at the wrong moment.
 *
 * A runner is registered with each callback (or lies on the stack of the caller); entering one is one store.
 */
#ifndef IMPULSE_MODULE_RUNNER_H
#define IMPULSE_MODULE_RUNNER_H

struct runner {
    const char *module; /* its label; lives as long as the callback may run */
    const char *kind;   /* "its hook at", "its setup", ... */
    const char *what;   /* "validate_rcptto", or "" */
};

extern _Thread_local const struct runner *volatile runner_current; /* NULL: no module runs on this thread */

/* Returns the one that was current, to be passed to runner_leave. */
static inline const struct runner *runner_enter(const struct runner *runner)
{
    const struct runner *before = runner_current;
    runner_current = runner;
    return before;
}

static inline void runner_leave(const struct runner *before)
{
    runner_current = before;
}

/* Calls the release function of what the instance `module` attached; an attachment_call_fn. */
void runner_release(const void *module, void (*release)(void *data), void *data);

#endif
