/*
 * sdk_queue: modules' questions to the queues; the daemon's side. Main thread.
 */
#ifndef IMPULSE_SDK_SDK_QUEUE_H
#define IMPULSE_SDK_SDK_QUEUE_H

#include "queue/queue.h"

/* From here on modules may ask: the loops run. Both outlive sdk_queue_close. */
void sdk_queue_open(struct queue_set *queues, struct pool_set *pools);
/* Refuses new questions, and returns when those under way are answered, which a drain of the queues cuts
 * short. While the loops and the pools still run. */
void sdk_queue_close(void);

#endif
