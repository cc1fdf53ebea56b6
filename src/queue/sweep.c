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

struct sweeping {
    uint64_t now;
    uint64_t oldest; /* arrival of what is left; UINT64_MAX: nothing is */
    unsigned swept;
};

/*
 * The first deferred envelope of the ready list, or its head. What arrives is appended, and what has been
 * ready for long is stored: so the list, which may hold a million, is searched from its end.
 */
static struct list_node *first_deferred(struct queue *queue)
{
    struct list_node *first = &queue->ready.head, *node = first->prev;
    for (size_t left = queue->deferred; left > 0 && node != &queue->ready.head; node = node->prev)
        if (is_deferred(node)) {
            first = node;
            left--;
        }
    return first;
}

static void sweep_queue(struct queue *queue, struct sweeping *sweeping)
{
    for (struct list_node *node = first_deferred(queue), *after; node != &queue->ready.head; node = after) {
        struct envelope *envelope = container_of(node, struct envelope, link);
        after = node->next;
        if (!is_deferred(node))
            continue;
        if (envelope->received_us + DEFERRED_US > sweeping->now || sweeping->swept == QUEUE_BATCH) {
            sweeping->oldest =
                envelope->received_us < sweeping->oldest ? envelope->received_us : sweeping->oldest;
            return; /* those behind it came later */
        }
        sweeping->swept++;
        queue_leave(queue, envelope);
        deferred_store(queue, envelope, queue_add);
    }
}

void sweep_due(struct schedule_item *item)
{
    struct shard *shard = container_of(item, struct shard, sweep);
    struct sweeping sweeping = {.now = clock_wall_us(), .oldest = UINT64_MAX};
    list_each(&shard->queues, node, after)
        sweep_queue(container_of(node, struct queue, link), &sweeping);
    if (sweeping.oldest == UINT64_MAX || schedule_has(&shard->sweep))
        return;
    uint64_t soonest = sweeping.now + DEFERRED_US / 100; /* what arrives together is stored together */
    uint64_t due = sweeping.oldest + DEFERRED_US;
    shard->sweep.when_us = due > soonest ? due : soonest;
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
