/*
 * connections: a queue's connections. Private to src/queue; what the transport calls is in queue.h. The
 * shard's loop thread.
 */
#ifndef IMPULSE_QUEUE_CONNECTIONS_H
#define IMPULSE_QUEUE_CONNECTIONS_H

#include "queue/queue_private.h"

/* Wakes idle connections and opens more, as the ready list demands. Frees the queue if it is unused. */
void queue_pump(struct queue *queue);
/* As shard->wants_permit and shard->use_permit. */
bool queue_wants_permit(struct queue *queue);
void queue_use_permit(struct queue *queue);

#endif
