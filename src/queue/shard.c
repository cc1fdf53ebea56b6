/*
 * shard: a loop's share of the queues: its inbox, its turns, its life.
 */
#include "base/clock.h"
#include "base/mem.h"
#include "metrics/memory_guard.h"
#include "queue/connections.h"
#include "queue/deferred.h"
#include "queue/delay.h"
#include "queue/flight.h"
#include "queue/notice.h"
#include "queue/permits.h"
#include "queue/ready.h"
#include "queue/sending_stop.h"
#include "queue/shard.h"
#include "queue/succession.h"
#include "queue/sweep.h"
#include "queue/view.h"

/* Above this total, or memory_goal, a message's content is dropped from memory once it is in the spool. */
#define RESIDENT_LIMIT (UINT64_C(512) << 20)

/* Posts the task that continues what admit_arrived and pump_touched have left. */
static void post_rest(struct shard *shard)
{
    if (shard->arrived_posted)
        return;
    shard->arrived_posted = true;
    loop_post(shard->loop, &shard->arrived_task);
}

/* In batches: a reload touches all queues. */
static void pump_touched(struct shard *shard)
{
    struct list_node *node;
    for (unsigned i = 0; i < QUEUE_BATCH && (node = list_pop(&shard->touched)); i++)
        queue_pump(container_of(node, struct queue, touched));
    if (!list_empty(&shard->touched))
        post_rest(shard);
}

/* ---- tasks from outside ------------------------------------------------------------------------------ */

static void admit(struct shard *shard, struct envelope *envelope, uint64_t now)
{
    struct queue *queue = queue_find(shard, envelope->binding, envelope->recipient_domain);
    queue->held++;
    bool drops = body_resident_bytes() > RESIDENT_LIMIT || memory_guard_is_above_goal();
    if (drops && !(envelope->flags & ENVELOPE_DEFERRED))
        body_drop(envelope->body);
    if (envelope->next_attempt_us > now)
        queue_delay(queue, envelope, envelope->next_attempt_us);
    else
        queue_add(queue, envelope);
}

/* In batches: after a restart a million may come at once. */
static void admit_arrived(struct shard *shard)
{
    struct list_node *node;
    uint64_t now = clock_wall_us();
    for (unsigned i = 0; i < QUEUE_BATCH && (node = list_pop(&shard->arrived)); i++)
        admit(shard, container_of(node, struct envelope, link), now);
    pump_touched(shard);
    if (!list_empty(&shard->arrived))
        post_rest(shard);
}

static void run_arrived(struct loop_task *task)
{
    struct shard *shard = container_of(task, struct shard, arrived_task);
    shard->arrived_posted = false;
    admit_arrived(shard);
}

/* Moves the inbox to the list of those that arrived, in their order. */
static void empty_inbox(struct shard *shard)
{
    struct envelope *envelope = atomic_exchange_explicit(&shard->inbox, NULL, memory_order_acq_rel);
    struct list_node *before = shard->arrived.head.prev; /* the inbox is turned round behind it */
    while (envelope) {
        struct list_node *earlier = envelope->link.next;
        list_insert_before(before->next, &envelope->link);
        envelope = earlier ? container_of(earlier, struct envelope, link) : NULL;
    }
}

static void take_inbox(struct loop_task *task)
{
    struct shard *shard = container_of(task, struct shard, inbox_task);
    atomic_exchange(&shard->inbox_posted, false); /* what is pushed from here on may post the task again */
    empty_inbox(shard);
    admit_arrived(shard);
}

/* What arrived and is in memory only is stored before the shard says that it has drained. */
static void drain(struct loop_task *task)
{
    struct shard *shard = container_of(task, struct shard, drain_task);
    uint64_t now = clock_wall_us();
    shard->draining = true;
    empty_inbox(shard);
    for (struct list_node *node; (node = list_pop(&shard->arrived));)
        admit(shard, container_of(node, struct envelope, link), now);
    sweep_all(shard);
    shard_drain(shard);
    sending_stop_all(shard); /* after it, because an envelope that is given back ends its flight */
}

void shard_store_last(struct shard *shard)
{
    if (shard->stored_last)
        return;
    shard->stored_last = true;
    if (!shard->draining)
        drain(&shard->drain_task);
    list_each(&shard->flying, node, after)
        deferred_store_last(shard, container_of(node, struct envelope, link));
}

static void reconfigure(struct loop_task *task)
{
    struct shard *shard = container_of(task, struct shard, reconfigure_task);
    atomic_flag_clear(&shard->reconfigure_posted);
    struct generation *old = shard->generation;
    shard->generation = set_generation(shard->set);
    list_each(&shard->queues, node, after)
        queue_refresh(container_of(node, struct queue, link));
    generation_unref(old);
    view_forget();
    permits_serve(shard);
}

/* ---- life -------------------------------------------------------------------------------------------- */

struct shard *shard_create(struct queue_set *set, struct loop *loop)
{
    struct shard *shard = mem_new(struct shard);
    shard->set = set;
    shard->loop = loop;
    shard->generation = generation_ref(set->generation);
    shard->inbox_task.run = take_inbox;
    shard->arrived_task.run = run_arrived;
    shard->drain_task.run = drain;
    shard->sweep.due = sweep_due;
    shard->reconfigure_task.run = reconfigure;
    shard->delay_over = queue_delay_over;
    shard->end_turn = pump_touched;
    shard->wants_permit = queue_wants_permit;
    shard->use_permit = queue_use_permit;
    atomic_flag_clear(&shard->reconfigure_posted);
    list_init(&shard->queues);
    list_init(&shard->touched);
    list_init(&shard->deferrals);
    list_init(&shard->successions);
    list_init(&shard->arrived);
    list_init(&shard->flying);
    list_init(&shard->sendings);
    list_init(&shard->walks);
    list_init(&shard->notices);
    list_init(&shard->notices_waiting);
    return shard;
}

static void timer_closed(uv_handle_t *handle)
{
    free(handle->data);
}

void shard_free(struct shard *shard)
{
    struct envelope *envelope = atomic_exchange(&shard->inbox, NULL);
    while (envelope) {
        struct list_node *earlier = envelope->link.next;
        queue_abandon(shard->set, envelope);
        envelope = earlier ? container_of(earlier, struct envelope, link) : NULL;
    }
    deferred_free_all(shard);
    succession_free_all(shard);
    for (struct list_node *node; (node = list_pop(&shard->arrived));)
        queue_abandon(shard->set, container_of(node, struct envelope, link));
    notice_free_all(shard);
    list_each(&shard->queues, node, after)
        queue_free(container_of(node, struct queue, link));
    for (size_t i = 1; i <= shard->schedule.count; i++)
        queue_free_delayed(shard->set,
                           shard->schedule.items[i]); /* the queues have taken their own items out */
    permits_free_lines(shard);
    schedule_release(&shard->schedule);
    generation_unref(shard->generation);
    if (shard->timer_open)
        uv_close((uv_handle_t *)&shard->timer, timer_closed);
    else
        free(shard);
}
