/*
 * connections: when a queue asks the transport for a connection, when it wakes an idle one, and what a failed
 * one means for the rest.
 */
#include "base/clock.h"
#include "queue/connections.h"
#include "queue/permits.h"
#include "queue/queue_metrics.h"
#include "queue/ready.h"
#include "queue/settle.h"
#include "queue/timer.h"

enum {
    /* A connection is expected to make this many transactions soon; more of them ask for another
       connection. */
    TRANSACTIONS_PER_CONNECTION = 4,
    /* After a connection that could not be made or was of no use, no other is opened for this long: a host
     * that refuses at once is not to be asked thousands of times a second. */
    HOLD_MS = 1000,
    /* When nothing was taken for this long although envelopes are ready, the connections are stuck: one more.
     */
    GROWTH_MS = 500,
};

static bool may_connect(const struct queue *queue)
{
    return queue->ready_count > 0 && !schedule_has(&queue->hold) &&
           queue->connections < queue->settings->max_outbound_connections;
}

/* About how many transactions the ready envelopes are. */
static size_t ready_transactions(const struct queue *queue)
{
    unsigned batch = queue->settings->max_recipients_per_batch;
    return queue->ready_count - queue->followers + (batch ? queue->followers / batch : 0);
}

static bool wants_connection(const struct queue *queue)
{
    return may_connect(queue) &&
           (queue->connections == 0 ||
            ready_transactions(queue) / TRANSACTIONS_PER_CONNECTION > queue->connections);
}

void queue_use_permit(struct queue *queue)
{
    struct queue_transport *transport = queue->shard->set->transport;
    queue->connections++;
    transport->open(transport, queue);
}

bool queue_wants_permit(struct queue *queue)
{
    return queue_may_deliver(queue) && wants_connection(queue);
}

/* Returns false if the queue has to wait until there may be one more. */
static bool open_connection(struct queue *queue)
{
    if (!permit_take(queue))
        return false;
    queue_use_permit(queue);
    return true;
}

static void growth_due(struct schedule_item *item)
{
    struct queue *queue = container_of(item, struct queue, growth);
    queue_touch(queue);
    if (queue_may_deliver(queue) && may_connect(queue) && queue->taken == queue->taken_before)
        open_connection(queue);
}

static void watch_growth(struct queue *queue)
{
    if (queue->ready_count == 0 || schedule_has(&queue->growth))
        return;
    queue->taken_before = queue->taken;
    queue->growth.when_us = clock_wall_us() + GROWTH_MS * UINT64_C(1000);
    queue->growth.due = growth_due;
    shard_schedule(queue->shard, &queue->growth);
}

void queue_pump(struct queue *queue)
{
    if (queue_may_deliver(queue)) {
        while (queue->ready_count > 0 && !list_empty(&queue->waiters)) {
            struct queue_waiter *waiter = container_of(list_pop(&queue->waiters), struct queue_waiter, link);
            waiter->wake(waiter);
        }
        while (wants_connection(queue) && open_connection(queue))
            ;
        watch_growth(queue);
    }
    queue_free_unused(queue);
}

void queue_wait(struct queue *queue, struct queue_waiter *waiter)
{
    list_prepend(&queue->waiters,
                 &waiter->link); /* the last to be idle works first; the others may time out */
}

void queue_wait_cancel(struct queue_waiter *waiter)
{
    list_remove(&waiter->link);
}

void queue_connection_established(struct queue *queue)
{
    queue->established++;
    metric_raise(queue_metrics.connections, 1);
    metric_add(queue_metrics.connects, 1);
}

static void end_established(struct queue *queue, bool was_established)
{
    queue->established -= was_established;
    if (was_established)
        metric_lower(queue_metrics.connections, 1);
}

void queue_connection_closed(struct queue *queue, bool was_established)
{
    queue->connections--;
    permit_give(queue);
    end_established(queue, was_established);
    queue_pump(queue);
}

bool queue_others_wait(const struct queue *queue)
{
    return permits_are_wanted(queue->shard);
}

static void hold_over(struct schedule_item *item)
{
    queue_touch(container_of(item, struct queue, hold));
}

static void hold(struct queue *queue)
{
    if (schedule_has(&queue->hold))
        return;
    queue->hold.when_us = clock_wall_us() + HOLD_MS * UINT64_C(1000);
    queue->hold.due = hold_over;
    shard_schedule(queue->shard, &queue->hold);
}

void queue_connection_obstructed(struct queue *queue, const char *what)
{
    static struct panic_rate said;
    metric_add(queue_metrics.obstructed, 1);
    paniclog_rated(
        &said, PANIC_ERROR,
        "deliveries wait, and no attempt is counted: no connection can be begun: %s; raise the limit of open "
        "files (LimitNOFILE, server_max_file_descriptors), of ports (net.ipv4.ip_local_port_range) or of "
        "memory",
        what);
    hold(queue);
}

void queue_connection_failed(struct queue *queue, bool was_established, const struct queue_outcome *outcome)
{
    end_established(queue, was_established);
    hold(queue);
    if (queue->established == 0 && queue->ready_count > 0 && !queue->shard->draining)
        queue_condemn_ready(queue, outcome);
}
