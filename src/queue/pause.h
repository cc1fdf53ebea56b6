/*
 * pause: deliveries of a shard pause while the spool cannot record what becomes of them. Private to src/queue. The shard's
 * loop thread.
 */
#ifndef IMPULSE_QUEUE_PAUSE_H
#define IMPULSE_QUEUE_PAUSE_H

#include "queue/queue_private.h"

/* Must no delivery begin now? If so, the queues are processed again when the spool works. */
bool pause_is_on(struct shard *shard);

#endif
