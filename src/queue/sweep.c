/*
 * sweep: looking through a shard for deferred envelopes that have to be stored.
 *
 * deferred_spool saves the write of a message that leaves at once. One that waits (for a connection, for
 * suspend_delivery to end) gains nothing by it: it is stored DEFERRED_US after its arrival.
 */
#include "queue/sweep.h"
#include "base/clock.h"
#include "queue/deferred.h"
#include "queue/delay.h"
#include "queue/ready.h"

static bool is_deferred(const struct list_node *node)
{
    return container_of(node, struct envelope, link)->flags & ENVELOPE_DEFERRED;
}

void sweep_due(struct schedule_item *item)
{
    struct shard *shard = container_of(item, struct shard, sweep);
    uint64_t now = clock_wall_us(), oldest = UINT64_MAX;
    unsigned swept = 0;
    list_each(&shard->queues, queue_node, queue_after) {
        struct queue *queue = container_of(queue_node, struct queue, link);
        list_each(&queue->ready, node, after) {
            struct envelope *envelope = container_of(node, struct envelope, link);
            if (!is_deferred(node))
                continue;
            if (envelope->received_us + DEFERRED_US > now || swept == QUEUE_BATCH) {
                oldest = envelope->received_us < oldest ? envelope->received_us : oldest;
                continue;
            }
            swept++;
            queue_leave(queue, envelope);
            deferred_store(queue, envelope, queue_add);
        }
    }
    if (oldest == UINT64_MAX || schedule_has(&shard->sweep))
        return;
    uint64_t soonest = now + DEFERRED_US / 100; /* what arrives together is stored together */
    shard->sweep.when_us = oldest + DEFERRED_US > soonest ? oldest + DEFERRED_US : soonest;
    schedule_add(&shard->schedule, &shard->sweep);
}

static void store_all(struct queue *queue, struct list *list)
{
    list_each(list, node, after)
        if (is_deferred(node))
            deferred_store(queue, container_of(node, struct envelope, link), NULL);
}

void sweep_all(struct shard *shard)
{
    list_each(&shard->queues, node, after) {
        struct queue *queue = container_of(node, struct queue, link);
        store_all(queue, &queue->ready);
        store_all(queue, &queue->condemned);
    }
    for (size_t i = 1; i <= shard->schedule.count; i++) {
        struct queue *queue;
        struct envelope *envelope = queue_delayed(shard->schedule.items[i], &queue);
        if (envelope && (envelope->flags & ENVELOPE_DEFERRED))
            deferred_store(queue, envelope, NULL);
    }
}
