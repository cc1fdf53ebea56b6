/*
 * crash_guard: a module that crashes, that calls exit(), or whose setup does not return when the process is to
 * stop, is named before the process ends.
 *
 * Whose code runs is known from runner.h. Crashes of the daemon's own code are left as they are.
 */
#ifndef IMPULSE_MODULE_CRASH_GUARD_H
#define IMPULSE_MODULE_CRASH_GUARD_H

#include "module/runner.h"

/*
 * From here on SIGSEGV, SIGBUS, SIGABRT, SIGFPE and SIGILL inside a module's callback, and exit() called by one,
 * write one line that names it to stderr and to the modules that take paniclog lines. After a signal the former
 * action is taken (a core, a sanitizer's report); after exit() the status is 1. Harmless when called again. Main
 * thread.
 */
void crash_guard_install(void);

/*
 * Calls call(closure) as `runner` and returns what it returns. Meanwhile a crash ends the process with status 1, and
 * so does SIGTERM or SIGINT when the call does not return within a few seconds afterwards; a signal that comes while
 * the call returns in time is raised again then. Main thread, not nested.
 */
int crash_guard_call(const struct runner *runner, int (*call)(void *closure), void *closure);

#endif
