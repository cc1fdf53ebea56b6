/*
 * walk: looks at every envelope of a shard, a slice in each turn of its loop. Private to src/queue and to who
 * asks through queue_walk (queue_manage.h). The shard's loop thread.
 *
 * A walk passes the schedule (its heap from the end), then the queues (their ready and condemned lists), then
 * what is in flight; and all of that again, up to three times, until a pass finds nothing new, because
 * envelopes move meanwhile. Each envelope that was seen carries the walk's mark, so that none is seen twice.
 * Shards walk one walk at a time. When an envelope that the walk would look at next leaves its list, whoever
 * unlinks it calls walk_leaves.
 */
#ifndef IMPULSE_QUEUE_WALK_H
#define IMPULSE_QUEUE_WALK_H

#include "queue/queue_manage.h"
#include "queue/queue_private.h"

/* Before `node` is unlinked from a ready or condemned list or from shard->flying. */
static inline void walk_leaves(struct shard *shard, const struct list_node *node)
{
    if (shard->walk_next == node)
        shard->walk_next = node->next;
}

/* All of `from` is about to be appended to `to`. */
static inline void walk_moves(struct shard *shard, const struct list *from, struct list *to)
{
    if (shard->walk_next == &from->head)
        shard->walk_next = &to->head;
    if (shard->walk_list == from)
        shard->walk_list = to;
}

/* The envelope is with delivery or a bounce: on shard->flying until flying_end, or until it is freed there.
 */
void flying_begin(struct shard *shard, struct envelope *envelope);
void flying_end(struct shard *shard, struct envelope *envelope);

/* Begins, or lines up, a walk. */
void walk_begin(struct shard *shard, struct queue_walk *walk);

#endif
