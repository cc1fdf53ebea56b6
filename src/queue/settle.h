/*
 * settle: what becomes of envelopes that were tried. Private to src/queue; queue_settle is in queue.h. The
 * shard's loop thread.
 */
#ifndef IMPULSE_QUEUE_SETTLE_H
#define IMPULSE_QUEUE_SETTLE_H

#include "queue/queue_private.h"

/* Settles every envelope that is ready with `outcome` (copied), in later turns. */
void queue_condemn_ready(struct queue *queue, const struct queue_outcome *outcome);

#endif
