/*
 * forced_end: the end of the process when code of a module does not return.
 *
 * A thread takes SIGTERM and SIGINT, whatever the main thread does, and makes the main thread begin the end. From
 * then on it watches the main thread and the event loops. If one of them stays in the same call of a module for
 * ten seconds, the thread ends the process without it, after everything that was answered 250 is in the spool.
 */
#ifndef IMPULSE_DAEMON_FORCED_END_H
#define IMPULSE_DAEMON_FORCED_END_H

#include "daemon/threads.h"
#include "queue/queue.h"
#include "smtp/server/server.h"
#include "spool/spool.h"

struct forced_end_parts { /* borrowed until forced_end_forget */
    struct threads *threads;
    struct spool *spool;
    struct queue_set *queues;
    struct smtp_server *server;
    void (*begin_end)(void *closure); /* called on the thread when a signal has come; must not block */
    void *closure;
};

/* Starts the thread. Returns false if the system refuses it. Main thread. */
bool forced_end_start(const struct forced_end_parts *parts);
/* Called when the end begins, with a signal or without: the thread starts to watch. */
void forced_end_begun(void);
/*
 * Names the modules whose code does not return (on watched threads, in jobs of pools), stores the messages that
 * are in memory only, writes the logs out, and ends the process with status 1. Frees nothing, because the
 * remaining threads use it.
 */
_Noreturn void forced_end(void);
/* Called before the parts are freed, when every accepted message is in the spool. */
void forced_end_forget(void);
/* Ends the thread. Harmless when it was not started. */
void forced_end_stop(void);

#endif
