/*
 * deferred: the way into the spool of envelopes that are in memory only.
 *
 * The spool keeps a body once, with all of its envelopes at once. Deferred envelopes of one body are stored
 * each at its time, or never: so each that is stored takes a copy of the body along, unless no other has it
 * any more. A body that deferred envelopes share never lets its memory go.
 */
#include "queue/deferred.h"
#include "base/id.h"
#include "base/mem.h"
#include "queue/flight.h"
#include "queue/walk.h"
#include "spool/intake.h"

struct deferral {
    struct list_node link; /* in shard->deferrals */
    struct queue *queue;
    struct envelope *envelope;
    deferred_done_fn *done;
    struct spool_request request;
    struct loop_task task;
};

/* What a shared body is to the others stays theirs. */
static void take_own_body(struct envelope *envelope)
{
    struct body *shared = envelope->body;
    if (atomic_load_explicit(&shared->references, memory_order_acquire) == 1)
        return;
    const char *content = body_pin(shared);
    char *memory = mem_zalloc(shared->size + 1);
    if (shared->size)
        memcpy(memory, content, shared->size);
    body_unpin(shared);
    struct body *own = body_create(id_next(), memory, shared->size);
    own->eight_bit = shared->eight_bit;
    struct slice edits = body_edits(shared);
    if (edits.size > 0)
        body_set_edits(own, mem_copy_text(edits.data, edits.size), (uint32_t)edits.size);
    atomic_fetch_sub_explicit(&shared->undelivered, 1, memory_order_relaxed);
    envelope_attach(envelope, own);
    body_unref(own);
    body_unref(shared);
}

/* A request for `*envelope`, which is the caller's until `done`. */
static void make_request(struct spool_request *request, struct envelope **envelope, intake_done_fn *done)
{
    take_own_body(*envelope);
    intake_whole(request, (*envelope)->body);
    intake_envelopes(request, envelope, 1, done);
}

static void note_result(struct deferral *deferral)
{
    if (deferral->request.status == SPOOL_OK)
        deferral->envelope->flags &= ~(uint32_t)ENVELOPE_DEFERRED;
}

static void go_on(struct loop_task *task)
{
    struct deferral *deferral = container_of(task, struct deferral, task);
    struct queue *queue = deferral->queue;
    struct shard *shard = queue->shard;
    note_result(deferral);
    list_remove(&deferral->link);
    if (deferral->done) {
        flying_end(shard, deferral->envelope);
        deferral->done(queue, deferral->envelope);
    }
    free(deferral);
    shard_flight_end(shard);
    shard->end_turn(shard);
}

static void stored(struct spool_request *request)
{
    struct deferral *deferral = container_of(request, struct deferral, request);
    struct queue_set *set = deferral->queue->shard->set;
    loop_post(deferral->queue->shard->loop, &deferral->task); /* it may be gone from here on */
    pending_end(&set->outside);
}

void deferred_store(struct queue *queue, struct envelope *envelope, deferred_done_fn *done)
{
    struct queue_set *set = queue->shard->set;
    struct deferral *deferral = mem_new(struct deferral);
    deferral->queue = queue;
    deferral->envelope = envelope;
    deferral->done = done;
    deferral->task.run = go_on;
    make_request(&deferral->request, &deferral->envelope, stored);
    list_append(&queue->shard->deferrals, &deferral->link);
    if (done)
        flying_begin(queue->shard, envelope);
    shard_flight_begin(queue->shard);
    pending_begin(&set->outside);
    spool_submit(set->dependencies.spool, &deferral->request);
}

/* ---- the end ----------------------------------------------------------------------------------------- */

struct last_store {
    struct spool_request request;
    struct envelope *envelope;
};

static void stored_last(struct spool_request *request)
{
    struct last_store *store = container_of(request, struct last_store, request);
    envelope_free(store->envelope);
    free(store);
}

void queue_abandon(struct queue_set *set, struct envelope *envelope)
{
    if (!envelope || !(envelope->flags & ENVELOPE_DEFERRED)) {
        envelope_free(envelope);
        return;
    }
    struct last_store *store = mem_new(struct last_store);
    store->envelope = envelope;
    make_request(&store->request, &store->envelope, stored_last);
    spool_submit(set->dependencies.spool, &store->request);
}

static bool is_being_stored(const struct shard *shard, const struct envelope *envelope)
{
    list_each(&shard->deferrals, node, after)
        if (container_of(node, struct deferral, link)->envelope == envelope)
            return true;
    return false;
}

/* Stores a copy, because delivery or the module continues to use the envelope. */
void deferred_store_last(struct shard *shard, const struct envelope *envelope)
{
    if (!(envelope->flags & ENVELOPE_DEFERRED) || is_being_stored(shard, envelope))
        return;
    struct envelope_facts facts = envelope_facts_of(envelope);
    queue_abandon(shard->set, envelope_create(&facts, envelope->body));
}

void deferred_free_all(struct shard *shard)
{
    list_each(&shard->deferrals, node, after) {
        struct deferral *deferral = container_of(node, struct deferral, link);
        note_result(deferral);
        list_remove(&deferral->link);
        if (deferral->done)
            queue_abandon(shard->set, deferral->envelope);
        free(deferral);
    }
}
