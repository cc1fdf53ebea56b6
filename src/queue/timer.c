/*
 * timer: the one timer that serves a shard's schedule.
 */
#include "base/clock.h"
#include "queue/timer.h"

/* The timer waits at most this long, so that a wall clock that was set is noticed. */
enum { TIMER_LONGEST_MS = 30 * 1000 };

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
    loop_renew_now(shard->loop);
    uv_timer_start(&shard->timer, run_due, wait < TIMER_LONGEST_MS ? wait : TIMER_LONGEST_MS, 0);
}

static void run_due(uv_timer_t *timer)
{
    struct shard *shard = timer->data;
    uint64_t now = clock_wall_us();
    loop_doing("messages whose time has come");
    if (shard->draining)
        return;
    for (unsigned i = 0; i < QUEUE_BATCH; i++) {
        struct schedule_item *item = schedule_first(&shard->schedule);
        if (!item || item->when_us > now)
            break;
        schedule_remove(&shard->schedule, item);
        item->due(item);
    }
    shard->end_turn(shard);
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
