/*
 * sweep: looking through a shard for deferred envelopes that have to be stored. Private to src/queue. The
 * shard's loop thread.
 */
#ifndef IMPULSE_QUEUE_SWEEP_H
#define IMPULSE_QUEUE_SWEEP_H

#include "queue/queue_private.h"

/* shard->sweep: what has been ready for a while and is in memory only goes to the spool. */
void sweep_due(struct schedule_item *item);
/* The shard drains: everything that is in memory only goes to the spool. */
void sweep_all(struct shard *shard);

#endif
