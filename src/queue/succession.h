/*
 * succession: an envelope becomes another of the same body. Private to src/queue. The shard's loop thread.
 */
#ifndef IMPULSE_QUEUE_SUCCESSION_H
#define IMPULSE_QUEUE_SUCCESSION_H

#include "queue/queue_private.h"

/*
 * `envelope` of that shard becomes `successor`, which has another id; `envelope` is freed. The successor is
 * accepted when the spool has it durably in place of the other, so that never both are delivered: in a later
 * turn of this loop, or at once if the other is in memory only. Drains wait for it.
 */
void envelope_replace(struct shard *shard, struct envelope *envelope, struct envelope *successor);

/* After the loop stopped and nothing is outside: frees what was not accepted any more. */
void succession_free_all(struct shard *shard);

#endif
