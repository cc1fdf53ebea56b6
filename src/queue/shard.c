/*
 * shard: a loop's share of the queues: the names, the inbox, the schedule and its one timer.
 */
#include <search.h>
#include "base/clock.h"
#include "base/mem.h"
#include "queue/private.h"

/* The timer waits at most this long, so that a wall clock that was set is noticed. */
enum { TIMER_LONGEST_MS = 30 * 1000 };

/* ---- the schedule ------------------------------------------------------------------------------------ */

static void run_due(uv_timer_t *timer);

static void arm_timer(struct shard *shard)
{
    struct schedule_item *first = schedule_first(&shard->schedule);
    if (!first) {
        uv_timer_stop(&shard->timer);
        return;
    }
    uint64_t now = clock_wall_us();
    uint64_t wait = first->when_us > now ? (first->when_us - now + 999) / 1000 : 0;
    uv_update_time(loop_uv(shard->loop));
    uv_timer_start(&shard->timer, run_due, wait < TIMER_LONGEST_MS ? wait : TIMER_LONGEST_MS, 0);
}

static void pump_touched(struct shard *shard)
{
    for (struct list_node *node; (node = list_pop(&shard->touched));)
        queue_pump(container_of(node, struct queue, touched));
}

static void run_due(uv_timer_t *timer)
{
    struct shard *shard = timer->data;
    uint64_t now = clock_wall_us();
    if (shard->draining)
        return;
    for (unsigned i = 0; i < QUEUE_BATCH; i++) {
        struct schedule_item *item = schedule_first(&shard->schedule);
        if (!item || item->when_us > now)
            break;
        schedule_remove(&shard->schedule, item);
        item->due(item);
    }
    pump_touched(shard);
    arm_timer(shard);
}

void shard_schedule(struct shard *shard, struct schedule_item *item)
{
    if (!shard->timer_open) {
        uv_timer_init(loop_uv(shard->loop), &shard->timer);
        shard->timer.data = shard;
        shard->timer_open = true;
    }
    schedule_add(&shard->schedule, item);
    if (schedule_first(&shard->schedule) == item)
        arm_timer(shard);
}

/* ---- tasks from outside ------------------------------------------------------------------------------ */

static void admit(struct shard *shard, struct envelope *envelope, uint64_t now)
{
    struct queue *queue = queue_find(shard, envelope->binding, envelope->recipient_domain);
    queue->held++;
    if (body_resident_bytes() > QUEUE_RESIDENT_LIMIT)
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
    if (list_empty(&shard->arrived) || shard->arrived_posted)
        return;
    shard->arrived_posted = true;
    loop_post(shard->loop, &shard->arrived_task);
}

static void run_arrived(struct loop_task *task)
{
    struct shard *shard = container_of(task, struct shard, arrived_task);
    shard->arrived_posted = false;
    admit_arrived(shard);
}

void shard_take_inbox(struct loop_task *task)
{
    struct shard *shard = container_of(task, struct shard, inbox_task);
    struct envelope *envelope = atomic_exchange_explicit(&shard->inbox, NULL, memory_order_acq_rel);
    struct list_node *before = shard->arrived.head.prev; /* the inbox is turned round behind it */
    while (envelope) {
        struct list_node *earlier = envelope->link.next;
        list_insert_before(before->next, &envelope->link);
        envelope = earlier ? container_of(earlier, struct envelope, link) : NULL;
    }
    admit_arrived(shard);
}

void shard_reconfigure(struct loop_task *task)
{
    struct shard *shard = container_of(task, struct shard, reconfigure_task);
    atomic_flag_clear(&shard->reconfigure_posted);
    struct generation *old = shard->generation;
    shard->generation = set_generation(shard->set);
    list_each(&shard->queues, node, after)
        queue_refresh(container_of(node, struct queue, link));
    generation_unref(old);
    view_forget();
    pump_touched(shard);
}

static void shard_drained(struct shard *shard)
{
    struct queue_set *set = shard->set;
    if (atomic_fetch_sub(&set->shards_in_flight, 1) == 1)
        set->drained(set->drained_argument);
}

void shard_drain(struct loop_task *task)
{
    struct shard *shard = container_of(task, struct shard, drain_task);
    shard->draining = true;
    if (shard->in_flight == 0)
        shard_drained(shard);
}

void shard_flight_begin(struct shard *shard)
{
    shard->in_flight++;
}

/*
 * A shard that drains has its last flight once: nothing is taken and nothing falls due any more, and a bounce
 * that settling an envelope makes begins before that envelope's own flight ends.
 */
void shard_flight_end(struct shard *shard)
{
    if (--shard->in_flight == 0 && shard->draining)
        shard_drained(shard);
}

/* ---- life -------------------------------------------------------------------------------------------- */

struct shard *shard_create(struct queue_set *set, struct loop *loop)
{
    struct shard *shard = mem_new(struct shard);
    shard->set = set;
    shard->loop = loop;
    shard->generation = generation_ref(set->generation);
    shard->inbox_task.run = shard_take_inbox;
    shard->arrived_task.run = run_arrived;
    shard->drain_task.run = shard_drain;
    shard->reconfigure_task.run = shard_reconfigure;
    atomic_flag_clear(&shard->reconfigure_posted);
    list_init(&shard->queues);
    list_init(&shard->touched);
    list_init(&shard->arrived);
    list_init(&shard->bounces);
    list_init(&shard->bounces_waiting);
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
        envelope_free(envelope);
        envelope = earlier ? container_of(earlier, struct envelope, link) : NULL;
    }
    for (struct list_node *node; (node = list_pop(&shard->arrived));)
        envelope_free(container_of(node, struct envelope, link));
    bounce_free_all(shard);
    list_each(&shard->queues, node, after)
        queue_free(container_of(node, struct queue, link));
    for (size_t i = 1; i <= shard->schedule.count; i++)
        queue_free_delayed(shard->schedule.items[i]); /* the queues have taken their own items out */
    schedule_release(&shard->schedule);
    generation_unref(shard->generation);
    if (shard->timer_open)
        uv_close((uv_handle_t *)&shard->timer, timer_closed);
    else
        free(shard);
}
