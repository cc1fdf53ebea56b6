/*
 * crash_guard: a module that crashes while it is loaded or set up ends the process with one line that names
 * it.
 */
#ifndef IMPULSE_MODULE_CRASH_GUARD_H
#define IMPULSE_MODULE_CRASH_GUARD_H

/*
 * Calls call(closure) and returns what it returns. While it runs, SIGSEGV, SIGBUS, SIGABRT, SIGFPE and SIGILL
 * of the calling thread (a stack overflow too) write one line with `label` to stderr and to the modules that
 * take paniclog lines, and end the process with status 1; other threads crash as they would without it. The
 * signals' former actions are restored before it returns. One thread at a time, not nested.
 */
int crash_guard_call(const char *label, int (*call)(void *closure), void *closure);

#endif
