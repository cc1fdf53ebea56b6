/*
 * sending_stop: ends what hooks are asked about when a shard drains. Private to src/queue; see sending.h. The
 * shard's loop thread.
 */
#ifndef IMPULSE_QUEUE_SENDING_STOP_H
#define IMPULSE_QUEUE_SENDING_STOP_H

#include "queue/queue_private.h"

/* Every attempt that waits for a hook is answered SENDING_STOPPED. */
void sending_stop_all(struct shard *shard);

#endif
