/*
 * walk: looks at every envelope of a shard, a slice in each turn of its loop.
 */
#include "queue/walk.h"

#include "base/clock.h"
#include "base/mem.h"
#include "queue/delay.h"

enum {
    SLICE_US = 1000,  /* how long a slice may take, checked now and then */
    SLICE_CHECK = 64, /* steps between two looks at the clock */
    PASSES = 3,
    WAITS = 10000, /* turns that a walk waits for what has arrived to be in its queues */
};

enum stage { STAGE_DELAYED, STAGE_QUEUES, STAGE_READY, STAGE_CONDEMNED, STAGE_FLYING, STAGE_END };

void flying_begin(struct shard *shard, struct envelope *envelope)
{
    list_append(&shard->flying, &envelope->link);
}

void flying_end(struct shard *shard, struct envelope *envelope)
{
    walk_leaves(shard, &envelope->link);
    list_remove(&envelope->link);
}

/* ---- one step ---------------------------------------------------------------------------------------- */

/* False: the walk is over. */
static bool show(struct queue_walk *walk, struct queued *queued)
{
    if (queued->envelope->walked == walk->own.mark)
        return true;
    queued->envelope->walked = walk->own.mark;
    queued->walk = walk;
    walk->own.fresh++;
    return walk->visit(walk, queued);
}

static bool step_delayed(struct queue_walk *walk)
{
    struct schedule *schedule = &walk->own.shard->schedule;
    if (walk->own.position > schedule->count)
        walk->own.position = schedule->count;
    if (walk->own.position == 0) {
        walk->own.stage = STAGE_QUEUES;
        return true;
    }
    struct queued queued = {.state = QUEUED_DELAYED, .item = schedule->items[walk->own.position--]};
    queued.envelope = queue_delayed(queued.item, &queued.queue);
    return !queued.envelope || show(walk, &queued);
}

static void enter_list(struct queue_walk *walk, struct list *list, enum stage stage)
{
    struct shard *shard = walk->own.shard;
    walk->own.stage = stage;
    shard->walk_list = list;
    shard->walk_next = list ? list->head.next : NULL;
}

/* The queue is kept while the walk is in it. */
static void enter_queue(struct queue_walk *walk, struct list_node *node)
{
    struct shard *shard = walk->own.shard;
    if (node == &shard->queues.head) {
        walk->own.queue = NULL;
        enter_list(walk, walk->visit ? &shard->flying : NULL, STAGE_FLYING);
        return;
    }
    struct queue *queue = container_of(node, struct queue, link);
    struct queued_queue shown = {
        .binding = queue->binding,
        .domain = queue->domain,
        .messages = queue->held,
        .ready = queue->ready_count,
        .connections = queue->established,
    };
    bool first = walk->own.pass == 0;
    queue->held++;
    walk->own.queue = queue;
    bool wanted = !walk->queue || !first || walk->queue(walk, &shown);
    enter_list(walk, wanted && walk->visit ? &queue->ready : NULL, STAGE_READY);
}

static void leave_queue(struct queue_walk *walk)
{
    struct queue *queue = walk->own.queue;
    if (!queue)
        return;
    struct list_node *next = queue->link.next;
    queue->held--;
    walk->own.queue = NULL;
    queue_free_unused(queue);
    if (!walk->own.over)
        enter_queue(walk, next);
}

static bool step_list(struct queue_walk *walk)
{
    struct shard *shard = walk->own.shard;
    struct list_node *node = shard->walk_next;
    if (!shard->walk_list || node == &shard->walk_list->head) {
        if (walk->own.stage == STAGE_FLYING)
            enter_list(walk, NULL, STAGE_END);
        else if (walk->own.stage == STAGE_READY && shard->walk_list)
            enter_list(walk, &walk->own.queue->condemned, STAGE_CONDEMNED);
        else
            leave_queue(walk);
        return true;
    }
    shard->walk_next = node->next;
    struct queued queued = {
        .queue = walk->own.queue,
        .envelope = container_of(node, struct envelope, link),
        .state = shard->walk_list == &shard->flying                                   ? QUEUED_IN_FLIGHT
                 : walk->own.queue && shard->walk_list == &walk->own.queue->condemned ? QUEUED_IN_FLIGHT
                                                                                      : QUEUED_READY,
    };
    return show(walk, &queued);
}

static void begin_pass(struct queue_walk *walk)
{
    walk->own.begun = true;
    walk->own.stage = walk->visit ? STAGE_DELAYED : STAGE_QUEUES;
    walk->own.position = walk->own.shard->schedule.count;
    walk->own.fresh = 0;
}

/* False: the walk is over. */
static bool step(struct queue_walk *walk)
{
    switch ((enum stage)walk->own.stage) {
    case STAGE_DELAYED:
        return step_delayed(walk);
    case STAGE_QUEUES:
        enter_queue(walk, walk->own.shard->queues.head.next);
        return true;
    case STAGE_READY:
    case STAGE_CONDEMNED:
    case STAGE_FLYING:
        return step_list(walk);
    case STAGE_END:
        break;
    }
    if (!walk->visit || walk->own.fresh == 0 || ++walk->own.pass == PASSES) {
        walk->complete = true;
        return false;
    }
    begin_pass(walk);
    return true;
}

/* ---- turns ------------------------------------------------------------------------------------------- */

static void begin_next(struct shard *shard);

static void end(struct queue_walk *walk)
{
    struct shard *shard = walk->own.shard;
    walk->own.over = true;
    shard->walk_list = NULL;
    shard->walk_next = NULL;
    leave_queue(walk);
    list_remove(&walk->own.link);
    begin_next(shard);
    walk->done(walk); /* which may free it */
}

/* What has arrived is not in a queue yet; it will be in a few turns. */
static bool waits(struct queue_walk *walk)
{
    struct shard *shard = walk->own.shard;
    return !walk->own.begun && !list_empty(&shard->arrived) && walk->own.waited++ < WAITS;
}

static void turn(struct loop_task *task)
{
    struct queue_walk *walk = container_of(task, struct queue_walk, own.task);
    struct shard *shard = walk->own.shard;
    bool more = !shard->draining;
    if (more && waits(walk)) {
        loop_post(shard->loop, task);
        return;
    }
    if (!walk->own.begun)
        begin_pass(walk);
    uint64_t until = clock_mono_us() + SLICE_US;
    for (unsigned i = 1; more && (i % SLICE_CHECK != 0 || clock_mono_us() < until); i++)
        more = step(walk);
    shard->end_turn(shard);
    if (more)
        loop_post(shard->loop, task);
    else
        end(walk);
}

static void begin_next(struct shard *shard)
{
    if (list_empty(&shard->walks))
        return;
    struct queue_walk *walk = container_of(shard->walks.head.next, struct queue_walk, own.link);
    if (++shard->walk_mark == 0) /* 0 is no mark. A mark comes again after 65,535 walks. */
        shard->walk_mark = 1;
    walk->own.mark = shard->walk_mark;
    walk->own.task.run = turn;
    loop_post(shard->loop, &walk->own.task);
}

void walk_begin(struct shard *shard, struct queue_walk *walk)
{
    bool idle = list_empty(&shard->walks);
    walk->own.shard = shard;
    list_append(&shard->walks, &walk->own.link);
    if (idle)
        begin_next(shard);
}

static void arrive(struct loop_task *task)
{
    struct queue_walk *walk = container_of(task, struct queue_walk, own.task);
    walk_begin(walk->own.shard, walk);
}

unsigned queue_walks(const struct queue_set *set)
{
    return set->shard_count;
}

void queue_walk_begin(struct queue_set *set, unsigned index, struct queue_walk *walk)
{
    walk->own.shard = set->shards[index];
    walk->own.task.run = arrive;
    loop_post(set->shards[index]->loop, &walk->own.task);
}
