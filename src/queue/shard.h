/*
 * shard: a loop's share of the queues. Private to src/queue.
 */
#ifndef IMPULSE_QUEUE_SHARD_H
#define IMPULSE_QUEUE_SHARD_H

#include "queue/queue_private.h"

/* A shard of `loop` with the set's generation. Main thread. */
struct shard *shard_create(struct queue_set *set, struct loop *loop);
/*
 * For a process that ends while deliveries continue: hands the spool every message that is in memory only,
 * also those that delivery has. A second call has no effect. The loop's thread, or any thread if the loop's
 * thread is parked for good.
 */
void shard_store_last(struct shard *shard);
/* After the loop stopped. */
void shard_free(struct shard *shard);

#endif
