/*
 * sending_stop: stops the attempts that wait for hooks. Private to src/queue; the rest is in sending.h. The
 * shard's loop thread.
 */
#ifndef IMPULSE_QUEUE_SENDING_STOP_H
#define IMPULSE_QUEUE_SENDING_STOP_H

#include "queue/queue_private.h"

/* Answers every attempt of the shard that waits with SENDING_STOPPED, and calls its `answered`. */
void sending_stop_all(struct shard *shard);

#endif
