/*
 * timer: the one timer that serves a shard's schedule. Private to src/queue. The shard's loop thread.
 */
#ifndef IMPULSE_QUEUE_TIMER_H
#define IMPULSE_QUEUE_TIMER_H

#include "queue/queue_private.h"

/* Has item->due called at item->when_us (both set by the caller), unless the shard drains by then. What came
 * due in one turn is followed by shard->end_turn. */
void shard_schedule(struct shard *shard, struct schedule_item *item);

#endif
