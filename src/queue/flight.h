/*
 * flight: how many envelopes of a shard delivery or a bounce has in hand, and draining, which waits for them.
 * Private to src/queue. The shard's loop thread.
 */
#ifndef IMPULSE_QUEUE_FLIGHT_H
#define IMPULSE_QUEUE_FLIGHT_H

#include "queue/queue_private.h"

/* Counts an envelope into, and out of, the hands of delivery or a bounce. */
void shard_flight_begin(struct shard *shard);
void shard_flight_end(struct shard *shard);
/* Nothing is begun any more; when nothing is in flight in any shard, the set is told. */
void shard_drain(struct shard *shard);

#endif
