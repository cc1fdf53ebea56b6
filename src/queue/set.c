/*
 * set: the queues as a whole: counting, reconfiguring, draining, freeing.
 */
#include <semaphore.h>
#include <time.h>
#include "base/clock.h"
#include "base/mem.h"
#include "queue/permits.h"
#include "queue/queue_metrics.h"
#include "queue/shard.h"
#include "queue/view.h"

uint64_t queue_set_count(const struct queue_set *set)
{
    return atomic_load_explicit(&set->count, memory_order_relaxed);
}

void queue_set_counts(const struct queue_set *set, struct queue_counts *counts)
{
    double connections = metric_value(queue_metrics.connections);
    double delayed = metric_value(queue_metrics.delayed);
    *counts = (struct queue_counts){
        .connections = connections > 0 ? (uint64_t)connections : 0, /* threads are read one after the other */
        .delayed = delayed > 0 ? (uint64_t)delayed : 0,
        .total = queue_set_count(set),
        .delivered = metric_count(queue_metrics.delivered),
        .failed = metric_count(queue_metrics.failed),
    };
}

/* ---- generations ------------------------------------------------------------------------------------- */

void queue_set_reconfigure(struct queue_set *set, struct conf *conf, struct module_set *modules)
{
    struct generation *fresh = generation_create(conf, modules);
    pthread_mutex_lock(&set->lock);
    struct generation *old = set->generation;
    set->generation = fresh;
    pthread_mutex_unlock(&set->lock);
    atomic_store_explicit(&set->serial, fresh->serial, memory_order_relaxed);
    generation_unref(old);
    for (unsigned i = 0; i < set->shard_count; i++)
        if (!atomic_flag_test_and_set(&set->shards[i]->reconfigure_posted))
            loop_post(set->shards[i]->loop, &set->shards[i]->reconfigure_task);
}

/* ---- life -------------------------------------------------------------------------------------------- */

struct queue_set *queue_set_create(const struct queue_dependencies *dependencies, struct conf *conf,
                                   struct module_set *modules)
{
    unsigned count = loop_group_size(dependencies->loops);
    struct queue_set *set = mem_zalloc(sizeof *set + count * sizeof(struct shard *));
    set->dependencies = *dependencies;
    set->generation = generation_create(conf, modules);
    atomic_init(&set->serial, set->generation->serial);
    pthread_mutex_init(&set->lock, NULL);
    pending_init(&set->outside);
    set->shard_count = count;
    queue_metrics_register(set);
    for (unsigned i = 0; i < count; i++)
        set->shards[i] = shard_create(set, loop_group_at(dependencies->loops, i));
    permits_init(set);
    return set;
}

void queue_set_transport(struct queue_set *set, struct queue_transport *transport)
{
    set->transport = transport;
}

void queue_set_drain(struct queue_set *set, void (*drained)(void *argument), void *argument)
{
    set->drained = drained;
    set->drained_argument = argument;
    atomic_store(&set->shards_in_flight, set->shard_count);
    for (unsigned i = 0; i < set->shard_count; i++)
        loop_post(set->shards[i]->loop, &set->shards[i]->drain_task);
}

struct last_part { /* of one shard */
    struct loop_task task;
    struct shard *shard;
    struct last_question *question;
};

struct last_question {
    sem_t answers;
    struct last_part parts[];
};

static void store_last(struct loop_task *task)
{
    const struct last_part *part = container_of(task, struct last_part, task);
    shard_store_last(part->shard);
    loop_end_turn(part->shard->loop); /* nobody waits for the end of this turn */
    sem_post(&part->question->answers);
}

/*
 * The last question. It is never freed: a loop may run its task later, and sem_post may still use the
 * semaphore. Nothing reads the pointer. It makes the question reachable for leak checkers, and is volatile so
 * that the compiler keeps it.
 */
static struct last_question *volatile asked_last;

bool queue_set_store_last(struct queue_set *set, bool (*is_parked)(const struct loop *loop), unsigned wait_ms)
{
    struct last_question *question =
        mem_zalloc(sizeof *question + set->shard_count * sizeof *question->parts);
    unsigned asked = 0;
    asked_last = question;
    sem_init(&question->answers, 0, 0);
    for (unsigned i = 0; i < set->shard_count; i++) {
        question->parts[i] = (struct last_part){{.run = store_last}, set->shards[i], question};
        if (is_parked(set->shards[i]->loop)) {
            loop_end_turn(set->shards[i]->loop); /* what it had begun to store before it was blocked */
            shard_store_last(set->shards[i]);
            continue;
        }
        asked++;
        loop_post(set->shards[i]->loop, &question->parts[i].task);
    }
    uint64_t until_us = clock_wall_us() + wait_ms * UINT64_C(1000); /* sem_timedwait waits by this clock */
    struct timespec until = {.tv_sec = (time_t)(until_us / 1000000),
                             .tv_nsec = (long)(until_us % 1000000) * 1000};
    while (asked > 0 && sem_timedwait(&question->answers, &until) == 0)
        asked--;
    return asked == 0;
}

void queue_set_free(struct queue_set *set)
{
    spool_let_go(set->dependencies.spool); /* otherwise a failing disk holds up a succession for ever */
    pending_wait(&set->outside);
    for (unsigned i = 0; i < set->shard_count; i++)
        shard_free(set->shards[i]);
    permits_free(set);
    view_forget();
    generation_unref(set->generation);
    pending_destroy(&set->outside);
    pthread_mutex_destroy(&set->lock);
    free(set);
}
