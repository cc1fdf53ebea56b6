/*
 * delay: envelopes that wait for their time, each behind an item of its own in the shard's schedule.
 */
#include "base/mem.h"
#include "queue/delay.h"
#include "queue/queue_metrics.h"
#include "queue/timer.h"

struct delayed {
    struct schedule_item item;
    struct queue *queue;
    struct envelope *envelope;
};

static void delay_over(struct schedule_item *item)
{
    struct delayed *delayed = container_of(item, struct delayed, item);
    struct queue *queue = delayed->queue;
    struct envelope *envelope = delayed->envelope;
    free(delayed);
    metric_lower(queue_metrics.delayed, 1);
    queue->shard->delay_over(queue, envelope);
}

void queue_delay(struct queue *queue, struct envelope *envelope, uint64_t when_us)
{
    struct delayed *delayed = mem_new(struct delayed);
    delayed->queue = queue;
    delayed->envelope = envelope;
    delayed->item.when_us = when_us;
    delayed->item.due = delay_over;
    metric_raise(queue_metrics.delayed, 1);
    shard_schedule(queue->shard, &delayed->item);
}

struct envelope *queue_delayed(const struct schedule_item *item, struct queue **queue)
{
    if (item->due != delay_over)
        return NULL;
    const struct delayed *delayed = container_of(item, struct delayed, item);
    *queue = delayed->queue;
    return delayed->envelope;
}

struct envelope *queue_delay_cancel(struct shard *shard, struct schedule_item *item)
{
    struct delayed *delayed = container_of(item, struct delayed, item);
    struct envelope *envelope = delayed->envelope;
    schedule_remove(&shard->schedule, item);
    metric_lower(queue_metrics.delayed, 1);
    free(delayed);
    return envelope;
}

void queue_free_delayed(struct queue_set *set, struct schedule_item *item)
{
    if (item->due != delay_over)
        return;
    struct delayed *delayed = container_of(item, struct delayed, item);
    queue_abandon(set, delayed->envelope);
    free(delayed);
}
