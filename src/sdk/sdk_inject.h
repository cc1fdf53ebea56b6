/*
 * sdk_inject: messages that modules make; the daemon's side. Main thread.
 */
#ifndef IMPULSE_SDK_SDK_INJECT_H
#define IMPULSE_SDK_SDK_INJECT_H

#include "queue/queue.h"

/* From here on modules may inject. All outlives sdk_inject_close; `hostname` is for Received fields. */
void sdk_inject_open(struct queue_set *queues, const struct queue_dependencies *dependencies,
                     const char *hostname);
/* Refuses new messages, and returns when those under way are settled: what is left is a task for each in a
 * loop, which has to run. While the pools, the loops and the spool still work. */
void sdk_inject_close(void);

#endif
