/*
 * thread: starting a thread the way every thread of the daemon is started.
 */
#include "base/thread.h"

#include <limits.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <unistd.h>

enum { NAME_SIZE = 16 }; /* the kernel's TASK_COMM_LEN, with the NUL */

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

int thread_start(pthread_t *thread, const char *name, size_t stack_size, void *(*run)(void *), void *argument)
{
    pthread_attr_t attributes;
    sigset_t blocked, before;
    int error = pthread_attr_init(&attributes);
    if (error)
        return -error;
    if (stack_size)
        error = pthread_attr_setstacksize(&attributes, usable_stack_size(stack_size));
    if (!error) {
        all_but_faults(&blocked);
        pthread_sigmask(SIG_BLOCK, &blocked, &before); /* inherited, so that no signal can slip in first */
        error = pthread_create(thread, &attributes, run, argument);
        pthread_sigmask(SIG_SETMASK, &before, NULL);
    }
    pthread_attr_destroy(&attributes);
    if (error)
        return -error;
    char text[NAME_SIZE];
    snprintf(text, sizeof text, "%s", name);
    pthread_setname_np(*thread, text);
    return 0;
}
