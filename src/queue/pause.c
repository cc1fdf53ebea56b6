/*
 * pause: see pause.h.
 *
 * A message that is delivered while its removal cannot be written is delivered again if the process is killed. So no
 * delivery begins while the spool is behind (spool_is_behind); those under way end. Each shard that was refused a delivery
 * looks every PAUSE_US whether the spool has recovered.
 */
#include "queue/pause.h"
#include <inttypes.h>
#include "base/clock.h"
#include "queue/timer.h"

enum {
    PAUSE_US = 50000,
    TOLD_US = 1000000, /* shorter pauses are not reported */
};

static void end_pause(struct shard *shard)
{
    shard->pause_began_us = 0;
    if (atomic_exchange(&shard->set->pause_told, false))
        paniclog(PANIC_NOTICE, "queue: the spool records deliveries again: deliveries continue");
    list_each(&shard->queues, node, after)
        queue_touch(container_of(node, struct queue, link));
}

static void look_again(struct schedule_item *item)
{
    struct shard *shard = container_of(item, struct shard, pause);
    const struct spool *spool = shard->set->dependencies.spool;
    if (!spool_is_behind(spool)) {
        end_pause(shard);
        return;
    }
    uint64_t now = clock_wall_us();
    if (now > shard->pause_began_us + TOLD_US && !atomic_exchange(&shard->set->pause_told, true))
        paniclog(PANIC_CRITICAL,
                 "queue: deliveries pause, because the spool cannot record them (%" PRIu64
                 " removals and updates wait): a crash would repeat them",
                 spool_unrecorded(spool));
    shard->pause.when_us = now + PAUSE_US;
    shard_schedule(shard, &shard->pause);
}

bool pause_is_on(struct shard *shard)
{
    if (!spool_is_behind(shard->set->dependencies.spool))
        return false;
    if (!schedule_has(&shard->pause)) {
        shard->pause_began_us = clock_wall_us();
        shard->pause.when_us = shard->pause_began_us + PAUSE_US;
        shard->pause.due = look_again;
        shard_schedule(shard, &shard->pause);
    }
    return true;
}
