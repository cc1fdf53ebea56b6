/*
 * deferred: envelopes that are in memory only (deferred_spool, ENVELOPE_DEFERRED), and their way into the
 * spool. Private to src/queue. The shard's loop thread.
 */
#ifndef IMPULSE_QUEUE_DEFERRED_H
#define IMPULSE_QUEUE_DEFERRED_H

#include "queue/queue_private.h"

typedef void deferred_done_fn(struct queue *queue, struct envelope *envelope);

/*
 * Stores a deferred envelope of `queue`, which nobody takes or frees before `done` is called, in a later
 * turn: then it is an envelope like any other, or (the disk is full) still deferred. Drains wait for it. With
 * `done` NULL it stays where it is, which is for a shard that drains.
 */
void deferred_store(struct queue *queue, struct envelope *envelope, deferred_done_fn *done);

/*
 * For a process that ends while delivery or a module still has the envelope: stores it as it is, without
 * waiting. It may then be delivered once more after the next start.
 */
void deferred_store_last(struct shard *shard, const struct envelope *envelope);
/* After the loop stopped and nothing is outside, before the queues are freed. */
void deferred_free_all(struct shard *shard);

#endif
