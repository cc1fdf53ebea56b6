/*
 * shard: a loop's share of the queues. Private to src/queue.
 */
#ifndef IMPULSE_QUEUE_SHARD_H
#define IMPULSE_QUEUE_SHARD_H

#include "queue/queue_private.h"

/* A shard of `loop` with the set's generation. Main thread. */
struct shard *shard_create(struct queue_set *set, struct loop *loop);
/* After the loop stopped. */
void shard_free(struct shard *shard);

#endif
