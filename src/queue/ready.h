/*
 * ready: the ready list of a queue. Private to src/queue; queue_take, queue_give_back and queue_ready are in
 * queue.h. The shard's loop thread.
 */
#ifndef IMPULSE_QUEUE_READY_H
#define IMPULSE_QUEUE_READY_H

#include "queue/queue_private.h"

/* Takes an envelope that arrived or whose time came; the queue is touched. */
void queue_add(struct queue *queue, struct envelope *envelope);
/* Takes it off the list, which it is on. */
void queue_leave(struct queue *queue, struct envelope *envelope);
/* shard->delay_over: the envelope has become ready, unless it expired while it waited. */
void queue_delay_over(struct queue *queue, struct envelope *envelope);
/* Settings of the shard's generation. */
void queue_refresh(struct queue *queue);
/* Is delivery to go on? Not while the shard drains, suspend_delivery is set or the spool is behind (pause.h), nor
 * without a transport. */
bool queue_may_deliver(const struct queue *queue);

#endif
