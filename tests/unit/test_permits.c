/* Permits for connections: whose turn it is when one is given back, and what a reload does meanwhile. */
#include "unit.h"

#include <limits.h>
#include "base/mem.h"
#include "queue/permits.h"
#include "queue/queue_metrics.h"

#define S SLICE_LITERAL

struct queue_metrics queue_metrics;

void queue_touch(struct queue *queue)
{
    (void)queue;
}

/* ---- a set of queues that does nothing but count connections ------------------------------------------ */

static const struct queue_settings settings = {.binding_max_connections = UINT_MAX};
static struct loop_group *loops;
static struct queue_set *set;

static bool wants_one(struct queue *queue)
{
    return queue->connections == 0;
}

static void use(struct queue *queue)
{
    queue->connections++;
}

static void end_turn(struct shard *shard)
{
    (void)shard;
}

static void start(unsigned shards, unsigned limit, unsigned reserve)
{
    queue_metrics.waiting =
        metric_core(&(struct metric_definition){.kind = METRIC_GAUGE, .name = "waiting", .help = "waiting"});
    loops = loop_group_create("permits", shards);
    set = mem_zalloc(sizeof *set + shards * sizeof *set->shards);
    set->shard_count = shards;
    for (unsigned i = 0; i < shards; i++) {
        struct shard *shard = set->shards[i] = mem_new(struct shard);
        shard->set = set;
        shard->loop = loop_group_at(loops, i);
        shard->wants_permit = wants_one;
        shard->use_permit = use;
        shard->end_turn = end_turn;
    }
    permits_init(set);
    queue_set_limit_connections(set, limit, reserve);
}

static void stop(void)
{
    for (unsigned i = 0; i < set->shard_count; i++) {
        permits_free_lines(set->shards[i]);
        free(set->shards[i]);
    }
    permits_free(set);
    free(set);
    loop_group_free(loops);
}

static struct queue make_queue(unsigned shard, struct slice binding)
{
    return (struct queue){.shard = set->shards[shard],
                          .settings = &settings,
                          .permit_line = permit_line_of(set->shards[shard], binding)};
}

static void ask(struct queue *queue)
{
    if (permit_take(queue))
        use(queue);
}

static void end_connection(struct queue *queue)
{
    queue->connections--;
    permit_give(queue);
    for (unsigned i = 0; i < set->shard_count; i++)
        loop_run_posted(set->shards[i]->loop);
}

/* ---- turns ------------------------------------------------------------------------------------------- */

/* A binding with many queues that wait does not keep one with a single queue from its turn. */
static void test_bindings_take_turns(void)
{
    start(1, 1, 0);
    struct queue busy = make_queue(0, S("busy")), many[3], one = make_queue(0, S("one"));
    ask(&busy);
    for (unsigned i = 0; i < 3; i++) {
        many[i] = make_queue(0, S("many"));
        ask(&many[i]);
    }
    ask(&one);
    CU_ASSERT(permits_are_wanted(set->shards[0]));
    end_connection(&busy);
    CU_ASSERT_EQUAL(many[0].connections, 1);
    end_connection(&many[0]);
    CU_ASSERT_EQUAL(one.connections, 1);
    CU_ASSERT_EQUAL(many[1].connections, 0);
    end_connection(&one);
    CU_ASSERT_EQUAL(many[1].connections, 1);
    end_connection(&many[1]);
    CU_ASSERT_EQUAL(many[2].connections, 1);
    CU_ASSERT_FALSE(permits_are_wanted(set->shards[0]));
    end_connection(&many[2]);
    stop();
}

/* A shard that no longer needs its turn passes it on. */
static void test_a_turn_that_is_not_needed_is_passed_on(void)
{
    start(2, 1, 0);
    struct queue busy = make_queue(0, S("a")), gone = make_queue(0, S("a")), other = make_queue(1, S("a"));
    ask(&busy);
    ask(&gone);
    ask(&other);
    permit_forget(&gone);
    end_connection(&busy);
    CU_ASSERT_EQUAL(other.connections, 1);
    end_connection(&other);
    CU_ASSERT_FALSE(permits_are_wanted(set->shards[0]));
    stop();
}

/* ---- reload ------------------------------------------------------------------------------------------ */

static unsigned runs;

static void count_run(struct loop_task *task)
{
    (void)task;
    runs++;
}

/* A task that is posted twice ties the loop's inbox into a ring: nothing is run any more. */
static void test_a_reload_does_not_post_the_task_again(void)
{
    start(1, 0, 0);
    struct loop_task behind = {.run = count_run};
    struct queue queue = make_queue(0, S("a"));
    ask(&queue);
    CU_ASSERT_EQUAL(queue.connections, 0);
    queue_set_limit_connections(set, 0, 0); /* posts it */
    loop_post(set->shards[0]->loop, &behind);
    permits_serve(set->shards[0]); /* as the shard's part of the reload does */
    queue_set_limit_connections(set, 1, 0);
    loop_run_posted(set->shards[0]->loop);
    CU_ASSERT_EQUAL(runs, 1);
    CU_ASSERT_EQUAL(queue.connections, 1);
    end_connection(&queue);
    stop();
}

int main(void)
{
    CU_TestInfo tests[] = {
        {"bindings take turns", test_bindings_take_turns},
        {"a turn that is not needed is passed on", test_a_turn_that_is_not_needed_is_passed_on},
        {"a reload does not post the task again", test_a_reload_does_not_post_the_task_again},
        CU_TEST_INFO_NULL,
    };
    return unit_run("permits", tests);
}
