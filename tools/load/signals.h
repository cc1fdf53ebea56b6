/*
 * signals: those that end a load tool, for its main thread to wait for.
 */
#ifndef IMPULSE_TOOLS_LOAD_SIGNALS_H
#define IMPULSE_TOOLS_LOAD_SIGNALS_H

#include <signal.h>
#include <stddef.h>

/* Ignores SIGPIPE, and blocks SIGINT and SIGTERM, which `ending` then holds. Called before threads are started. */
static inline void signals_block(sigset_t *ending)
{
    sigemptyset(ending);
    sigaddset(ending, SIGINT);
    sigaddset(ending, SIGTERM);
    pthread_sigmask(SIG_BLOCK, ending, NULL);
    signal(SIGPIPE, SIG_IGN);
}

#endif
