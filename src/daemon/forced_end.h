/*
 * forced_end: the end of the process when code of a module does not return.
 *
 * A thread hears SIGTERM and SIGINT, whatever the main thread does, and has it begin the end. From then on it looks
 * whether the main thread or an event loop stays in one call of a module: after ten seconds it ends the process without
 * it. What was answered 250 is in the spool by then.
 */
#ifndef IMPULSE_DAEMON_FORCED_END_H
#define IMPULSE_DAEMON_FORCED_END_H

#include "daemon/threads.h"
#include "queue/queue.h"
#include "smtp/server/server.h"
#include "spool/spool.h"

struct forced_end_parts { /* as long as they are there: see forced_end_forget */
    struct threads *threads;
    struct spool *spool;
    struct queue_set *queues;
    struct smtp_server *server;
    void (*begin_end)(void *closure); /* called on the thread when a signal has come; must not block */
    void *closure;
};

/* Starts the thread. False when the system refuses it. Main thread. */
bool forced_end_start(const struct forced_end_parts *parts);
/* The end has begun, without a signal perhaps. */
void forced_end_begun(void);
/*
 * Names the modules whose code does not return (threads that are watched, jobs of pools), brings into the spool what is
 * in memory only, writes the logs out, and ends the process with status 1. Nothing is freed: the threads that are left
 * use it.
 */
_Noreturn void forced_end(void);
/* The parts are about to be freed: what was accepted is in the spool. */
void forced_end_forget(void);
/* Ends the thread. Harmless when it was not started. */
void forced_end_stop(void);

#endif
