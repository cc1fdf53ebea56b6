/*
 * delay: envelopes that wait for their time. Private to src/queue. The shard's loop thread.
 */
#ifndef IMPULSE_QUEUE_DELAY_H
#define IMPULSE_QUEUE_DELAY_H

#include "queue/queue_private.h"

/* Lets the envelope wait until `when_us`, wall clock; shard->delay_over has it then. */
void queue_delay(struct queue *queue, struct envelope *envelope, uint64_t when_us);
/* The envelope that waits behind `item`, and its queue; NULL when it is an item of another kind. */
struct envelope *queue_delayed(const struct schedule_item *item, struct queue **queue);
/* The envelope waits no more and is the caller's. */
struct envelope *queue_delay_cancel(struct shard *shard, struct schedule_item *item);
/* Frees an envelope that waits behind `item`, if that is what it is; after the loop stopped. */
void queue_free_delayed(struct queue_set *set, struct schedule_item *item);

#endif
