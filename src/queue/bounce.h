/*
 * bounce: giving an envelope up, and telling its sender. Private to src/queue. The shard's loop thread.
 */
#ifndef IMPULSE_QUEUE_BOUNCE_H
#define IMPULSE_QUEUE_BOUNCE_H

#include "queue/queue_private.h"

/*
 * Gives an envelope up: P record, a notification to the reverse-path if one is due, removal. The envelope is
 * the callee's; queue_drop is called when it is gone, now or in a later turn. The queue is not freed within
 * the call. `last` is the outcome of the attempt before, for the notification, when `outcome` is our own
 * finding; NULL: there was none, or the spool remembers it.
 */
void bounce_envelope(struct queue *queue, struct envelope *envelope, const struct queue_outcome *outcome,
                     const struct queue_outcome *last);

#endif
