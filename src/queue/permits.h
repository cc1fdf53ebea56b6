/*
 * permits: how many connections there may be at a time: in all, and through each binding
 * (server_max_outbound_connections, server_reserve_outbound_connections). Private to src/queue.
 *
 * A queue takes a permit for each connection that it asks the transport for. Without one it waits in a line of its
 * shard and binding: first those that have no connection, to which the reserve belongs, then those that want more.
 * The lines of a shard take turns, and so do the shards, so that one queue or binding cannot keep the others waiting.
 */
#ifndef IMPULSE_QUEUE_PERMITS_H
#define IMPULSE_QUEUE_PERMITS_H

#include "queue/queue_private.h"

/* Main thread; `set` has its shards' tasks by then. */
void permits_init(struct queue_set *set);
/* After the loops stopped. */
void permits_free(struct queue_set *set);
void permits_free_lines(struct shard *shard);

/* The line in which queues of that binding wait in this shard; lives as long as the shard. Its loop's thread. */
struct permit_line *permit_line_of(struct shard *shard, struct slice binding);

/* All on the shard's loop thread: */

/* Takes a permit. False: there is none, and the queue waits; shard->use_permit is called when it is its turn. */
bool permit_take(struct queue *queue);
/* Gives one back, when a connection of the queue is gone and no longer counted. */
void permit_give(struct queue *queue);
/* Ends the wait of a queue, if it waits. */
void permit_forget(struct queue *queue);
/* Does some queue, of any shard, wait because all permits are taken? Asked for each message: without the lock. */
bool permits_are_wanted(const struct shard *shard);
/* Asks again for all queues of the shard that wait: a limit has changed. */
void permits_serve(struct shard *shard);

#endif
