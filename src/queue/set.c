/*
 * set: the queues as a whole, from outside: accepting, reconfiguring, draining, freeing.
 *
 * queue_accept is on the path of every message received. It looks settings up in the thread's own view, deals
 * with a blackholed envelope on the spot, and otherwise pushes the envelope onto its shard's inbox with one
 * compare-and-swap; only the push that finds the inbox empty wakes the loop.
 */
#include <zlib.h>
#include "base/mem.h"
#include "queue/private.h"

/* ---- the spool --------------------------------------------------------------------------------------- */

/* The spool reads the envelope before spool_submit returns, and frees the request. */
static void submit(struct queue_set *set, struct envelope *envelope, int kind)
{
    struct spool_request *request = mem_new(struct spool_request);
    request->kind = kind;
    request->body = envelope->body;
    request->envelopes = &envelope;
    request->envelope_count = 1;
    spool_submit(set->dependencies.spool, request);
}

void envelope_save(struct queue_set *set, struct envelope *envelope)
{
    submit(set, envelope, SPOOL_UPDATE);
}

void envelope_finish(struct queue_set *set, struct envelope *envelope)
{
    submit(set, envelope, SPOOL_REMOVE);
    envelope_free(envelope);
}

/* ---- accepting --------------------------------------------------------------------------------------- */

/* Every name has its loop for the life of the process: what two threads push for it meets in one inbox. */
static struct shard *shard_of(struct queue_set *set, const struct envelope *envelope)
{
    if (set->shard_count == 1)
        return set->shards[0];
    uLong sum =
        crc32(0, (const Bytef *)envelope->recipient_domain.data, (uInt)envelope->recipient_domain.size);
    sum = crc32(sum, (const Bytef *)envelope->binding.data, (uInt)envelope->binding.size);
    return set->shards[sum % set->shard_count];
}

static void drop_blackholed(struct queue_set *set, struct generation *generation, struct envelope *envelope)
{
    static const struct queue_outcome blackholed = {
        .verdict = QUEUE_PERMANENT,
        .response = {"554 5.7.0 [internal] Blackholed", sizeof "554 5.7.0 [internal] Blackholed" - 1},
    };
    record_outcome(generation->modules, RECORD_PERMANENT, envelope, &blackholed);
    envelope_finish(set, envelope);
}

void queue_accept(struct queue_set *set, struct envelope *envelope)
{
    struct view *view = view_of(set);
    const struct queue_settings *settings =
        view_settings(view, envelope->binding, envelope->recipient_domain);
    if (settings->blackhole != BLACKHOLE_NO) {
        drop_blackholed(set, view_generation(view), envelope);
        return;
    }
    atomic_fetch_add_explicit(&set->count, 1, memory_order_relaxed);
    struct shard *shard = shard_of(set, envelope);
    struct envelope *head = atomic_load_explicit(&shard->inbox, memory_order_relaxed);
    do
        envelope->link.next = head ? &head->link : NULL;
    while (!atomic_compare_exchange_weak_explicit(&shard->inbox, &head, envelope, memory_order_acq_rel,
                                                  memory_order_relaxed));
    if (!head) /* acquired from the exchange in shard_take_inbox: the task has run and may be posted again */
        loop_post(shard->loop, &shard->inbox_task);
}

uint64_t queue_set_count(const struct queue_set *set)
{
    return atomic_load_explicit(&set->count, memory_order_relaxed);
}

/* ---- generations ------------------------------------------------------------------------------------- */

struct generation *set_generation(struct queue_set *set)
{
    pthread_mutex_lock(&set->lock);
    struct generation *generation = generation_ref(set->generation);
    pthread_mutex_unlock(&set->lock);
    return generation;
}

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
    for (unsigned i = 0; i < count; i++)
        set->shards[i] = shard_create(set, loop_group_at(dependencies->loops, i));
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

void queue_set_free(struct queue_set *set)
{
    pending_wait(&set->outside);
    for (unsigned i = 0; i < set->shard_count; i++)
        shard_free(set->shards[i]);
    view_forget();
    generation_unref(set->generation);
    pending_destroy(&set->outside);
    pthread_mutex_destroy(&set->lock);
    free(set);
}
