/*
 * thread: starting a thread the way every thread of the daemon is started.
 */
#include "base/thread.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum {
    NAME_SIZE = 16,           /* the kernel's TASK_COMM_LEN, with the NUL */
    SIGNAL_STACK = 64 * 1024, /* touched by a handler alone */
};

/* A size below the minimum would be refused, one that is no multiple of a page may be. */
static size_t usable_stack_size(size_t size)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    long minimum = sysconf(_SC_THREAD_STACK_MIN);
    if (minimum > 0 && size < (size_t)minimum)
        size = (size_t)minimum;
    return size > SIZE_MAX - page ? size : (size + page - 1) / page * page;
}

/* All signals but the ones a faulty instruction raises: blocked, those would kill without a handler's last
 * word. */
static void all_but_faults(sigset_t *set)
{
    static const int faults[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGSYS, SIGABRT};
    sigfillset(set);
    for (size_t i = 0; i < sizeof faults / sizeof *faults; i++)
        sigdelset(set, faults[i]);
}

/* ---- a stack for signal handlers ----------------------------------------------------------------- */

struct start {
    void *(*run)(void *);
    void *argument;
};

/* A thread that has used up its stack can still say so. A sanitizer has given its threads one already. */
static void *run_with_signal_stack(void *argument)
{
    struct start start = *(struct start *)argument;
    stack_t stack = {.ss_size = SIGNAL_STACK}, before;
    free(argument);
    bool ours = sigaltstack(NULL, &before) == 0 && (before.ss_flags & SS_DISABLE);
    if (ours && (stack.ss_sp = malloc(SIGNAL_STACK)))
        sigaltstack(&stack, NULL);
    void *result = start.run(start.argument);
    if (stack.ss_sp) {
        sigaltstack(&before, NULL);
        free(stack.ss_sp);
    }
    return result;
}

int thread_start(pthread_t *thread, const char *name, size_t stack_size, void *(*run)(void *), void *argument)
{
    pthread_attr_t attributes;
    sigset_t blocked, before;
    struct start *start = malloc(sizeof *start);
    int error = start ? pthread_attr_init(&attributes) : ENOMEM;
    if (error) {
        free(start);
        return -error;
    }
    *start = (struct start){run, argument};
    if (stack_size)
        error = pthread_attr_setstacksize(&attributes, usable_stack_size(stack_size));
    if (!error) {
        all_but_faults(&blocked);
        pthread_sigmask(SIG_BLOCK, &blocked, &before); /* inherited, so that no signal can slip in first */
        error = pthread_create(thread, &attributes, run_with_signal_stack, start);
        pthread_sigmask(SIG_SETMASK, &before, NULL);
    }
    pthread_attr_destroy(&attributes);
    if (error) {
        free(start);
        return -error;
    }
    char text[NAME_SIZE];
    snprintf(text, sizeof text, "%s", name);
    pthread_setname_np(*thread, text);
    return 0;
}
