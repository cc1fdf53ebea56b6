/*
 * queue: the envelopes of one (binding, domain): a ready list, connections that take from it, and what
 * becomes of an envelope that was tried.
 *
 * An envelope is in one place at a time: on the ready list, behind a struct delayed in the shard's schedule,
 * in the transport's hands, condemned, or in a bounce. `held` counts them all; the queue lives while it or a
 * connection does.
 */
#include <search.h>
#include "base/clock.h"
#include "base/mem.h"
#include "queue/private.h"
#include "queue/retry.h"

enum {
    /* A connection is expected to take this many ready envelopes soon; more of them ask for another
       connection. */
    READY_PER_CONNECTION = 4,
    /* An expired envelope that is ready is tried all the same (never_attempt_expired_messages is off) if its
     * turn comes within this many seconds. */
    EXPIRED_GRACE = 60,
    /* After a connection that could not be made or was of no use, no other is opened for this long: a host
     * that refuses at once is not to be asked thousands of times a second. */
    HOLD_MS = 1000,
    /* When nothing was taken for this long although envelopes are ready, the connections are stuck: one more.
     */
    GROWTH_MS = 500,
};

static const struct queue_outcome out_of_time = {
    .verdict = QUEUE_PERMANENT,
    .response = {"554 5.4.7 [internal] exceeded max time without delivery",
                 sizeof "554 5.4.7 [internal] exceeded max time without delivery" - 1},
};
static const struct queue_outcome out_of_retries = {
    .verdict = QUEUE_PERMANENT,
    .response = {"554 5.4.7 [internal] exceeded max retries without delivery",
                 sizeof "554 5.4.7 [internal] exceeded max retries without delivery" - 1},
};
static const struct queue_outcome not_attempted = {
    .verdict = QUEUE_PERMANENT,
    .response = {"554 5.4.5 [internal] Delivery not attempted (message expired)",
                 sizeof "554 5.4.5 [internal] Delivery not attempted (message expired)" - 1},
};

static struct envelope *envelope_of(struct list_node *node)
{
    return container_of(node, struct envelope, link);
}

static void touch(struct queue *queue)
{
    if (!list_linked(&queue->touched))
        list_append(&queue->shard->touched, &queue->touched);
}

struct stored_outcome *outcome_store(const struct queue_outcome *outcome)
{
    struct slice peer = outcome->peer, response = outcome->response;
    struct stored_outcome *stored = mem_zalloc(sizeof *stored + peer.size + response.size);
    stored->outcome = *outcome;
    stored->outcome.peer.data = stored->text;
    stored->outcome.response.data = stored->text + peer.size;
    if (peer.size)
        memcpy(stored->text, peer.data, peer.size);
    if (response.size)
        memcpy(stored->text + peer.size, response.data, response.size);
    return stored;
}

/* ---- expiry of what is ready ------------------------------------------------------------------------- */

static uint64_t ready_deadline(const struct queue *queue, const struct envelope *envelope)
{
    uint64_t expiry = retry_expiry(queue->settings, envelope->received_us);
    return queue->settings->never_attempt_expired ? expiry : expiry + EXPIRED_GRACE * UINT64_C(1000000);
}

static void watch_expiry(struct queue *queue, uint64_t when_us)
{
    if (schedule_has(&queue->expiry)) {
        if (queue->expiry.when_us <= when_us)
            return;
        schedule_remove(&queue->shard->schedule, &queue->expiry);
    }
    queue->expiry.when_us = when_us;
    shard_schedule(queue->shard, &queue->expiry);
}

/* Searches the ready list; at most once a second, because it may be long. */
static void expire_ready(struct schedule_item *item)
{
    struct queue *queue = container_of(item, struct queue, expiry);
    uint64_t now = clock_wall_us(), earliest = UINT64_MAX;
    unsigned expired = 0;
    list_each(&queue->ready, node, after) {
        struct envelope *envelope = envelope_of(node);
        uint64_t deadline = ready_deadline(queue, envelope);
        if (deadline > now || ++expired > QUEUE_BATCH) {
            earliest = deadline < earliest ? deadline : earliest;
            continue;
        }
        list_remove(&envelope->link);
        queue->ready_count--;
        bounce_envelope(queue, envelope, &out_of_time);
    }
    if (earliest != UINT64_MAX)
        watch_expiry(queue, earliest > now + 1000000 ? earliest : now + 1000000);
    touch(queue);
}

/* ---- ready and delayed ------------------------------------------------------------------------------- */

static void drop_blackholed(struct queue *queue, struct envelope *envelope)
{
    queue_drop(queue);
    queue_accept(queue->shard->set, envelope); /* which deals with blackholed envelopes by itself */
}

void queue_add(struct queue *queue, struct envelope *envelope)
{
    touch(queue);
    if (queue->settings->blackhole != BLACKHOLE_NO) {
        drop_blackholed(queue, envelope);
        return;
    }
    list_append(&queue->ready, &envelope->link);
    queue->ready_count++;
    uint64_t deadline = ready_deadline(queue, envelope);
    if (!schedule_has(&queue->expiry) || deadline < queue->expiry.when_us) {
        uint64_t soonest = clock_wall_us() + EXPIRED_GRACE * UINT64_C(1000000);
        bool expired = !queue->settings->never_attempt_expired && deadline < soonest;
        watch_expiry(queue, expired ? soonest : deadline);
    }
}

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
    touch(queue);
    uint64_t now = clock_wall_us();
    if (envelope->next_attempt_us > now && retry_expiry(queue->settings, envelope->received_us) <= now)
        bounce_envelope(queue, envelope, &out_of_time);
    else
        queue_add(queue, envelope);
}

void queue_delay(struct queue *queue, struct envelope *envelope, uint64_t when_us)
{
    struct delayed *delayed = mem_new(struct delayed);
    delayed->queue = queue;
    delayed->envelope = envelope;
    delayed->item.when_us = when_us;
    delayed->item.due = delay_over;
    shard_schedule(queue->shard, &delayed->item);
}

void queue_free_delayed(struct schedule_item *item)
{
    if (item->due != delay_over)
        return;
    struct delayed *delayed = container_of(item, struct delayed, item);
    envelope_free(delayed->envelope);
    free(delayed);
}

/* ---- connections ------------------------------------------------------------------------------------- */

static bool may_deliver(const struct queue *queue)
{
    return !queue->shard->draining && !queue->settings->suspend_delivery && queue->shard->set->transport;
}

static bool may_connect(const struct queue *queue)
{
    return queue->ready_count > 0 && !schedule_has(&queue->hold) &&
           queue->connections < queue->settings->max_outbound_connections;
}

static bool wants_connection(const struct queue *queue)
{
    return may_connect(queue) &&
           (queue->connections == 0 || queue->ready_count / READY_PER_CONNECTION > queue->connections);
}

static void open_connection(struct queue *queue)
{
    struct queue_transport *transport = queue->shard->set->transport;
    queue->connections++;
    transport->open(transport, queue);
}

static void watch_growth(struct queue *queue)
{
    if (queue->ready_count == 0 || schedule_has(&queue->growth))
        return;
    queue->taken_before = queue->taken;
    queue->growth.when_us = clock_wall_us() + GROWTH_MS * UINT64_C(1000);
    shard_schedule(queue->shard, &queue->growth);
}

static void growth_due(struct schedule_item *item)
{
    struct queue *queue = container_of(item, struct queue, growth);
    touch(queue);
    if (may_deliver(queue) && may_connect(queue) && queue->taken == queue->taken_before)
        open_connection(queue);
}

void queue_pump(struct queue *queue)
{
    if (may_deliver(queue)) {
        while (queue->ready_count > 0 && !list_empty(&queue->waiters)) {
            struct queue_waiter *waiter = container_of(list_pop(&queue->waiters), struct queue_waiter, link);
            waiter->wake(waiter);
        }
        while (wants_connection(queue))
            open_connection(queue);
        watch_growth(queue);
    }
    queue_free_unused(queue);
}

void queue_wait(struct queue *queue, struct queue_waiter *waiter)
{
    list_prepend(&queue->waiters,
                 &waiter->link); /* the last to be idle works first; the others may time out */
}

void queue_wait_cancel(struct queue_waiter *waiter)
{
    list_remove(&waiter->link);
}

void queue_connection_established(struct queue *queue)
{
    queue->established++;
}

void queue_connection_closed(struct queue *queue, bool was_established)
{
    queue->connections--;
    queue->established -= was_established;
    queue_pump(queue);
}

/* ---- condemning: one outcome for all that was ready -------------------------------------------------- */

static void condemn_batch(struct loop_task *task)
{
    struct queue *queue = container_of(task, struct queue, condemn_task);
    queue->condemn_posted = false;
    if (queue->shard->draining)
        return;
    for (unsigned i = 0; i < QUEUE_BATCH && !list_empty(&queue->condemned); i++) {
        shard_flight_begin(queue->shard);
        queue_settle(queue, envelope_of(list_pop(&queue->condemned)), &queue->verdict->outcome);
    }
    if (list_empty(&queue->condemned)) {
        queue_free_unused(queue);
        return;
    }
    queue->condemn_posted = true;
    loop_post(queue->shard->loop, &queue->condemn_task);
}

static void hold_over(struct schedule_item *item)
{
    touch(container_of(item, struct queue, hold));
}

void queue_connection_failed(struct queue *queue, bool was_established, const struct queue_outcome *outcome)
{
    queue->established -= was_established;
    if (!schedule_has(&queue->hold)) {
        queue->hold.when_us = clock_wall_us() + HOLD_MS * UINT64_C(1000);
        shard_schedule(queue->shard, &queue->hold);
    }
    if (queue->established > 0 || queue->ready_count == 0 || queue->shard->draining)
        return;
    free(queue->verdict);
    queue->verdict = outcome_store(outcome);
    while (!list_empty(&queue->ready))
        list_append(&queue->condemned, list_pop(&queue->ready));
    queue->ready_count = 0;
    if (queue->condemn_posted)
        return;
    queue->condemn_posted = true;
    loop_post(queue->shard->loop, &queue->condemn_task);
}

/* ---- taking and settling ----------------------------------------------------------------------------- */

struct envelope *queue_take(struct queue *queue)
{
    while (may_deliver(queue) && !list_empty(&queue->ready)) {
        struct envelope *envelope = envelope_of(list_pop(&queue->ready));
        queue->ready_count--;
        queue->taken++;
        if (queue->settings->never_attempt_expired &&
            retry_expiry(queue->settings, envelope->received_us) <= clock_wall_us()) {
            bounce_envelope(queue, envelope, &not_attempted);
            continue;
        }
        shard_flight_begin(queue->shard);
        return envelope;
    }
    return NULL;
}

void queue_give_back(struct queue *queue, struct envelope *envelope)
{
    list_prepend(&queue->ready, &envelope->link);
    queue->ready_count++;
    shard_flight_end(queue->shard);
    touch(queue);
}

static void settle_delivered(struct queue *queue, struct envelope *envelope,
                             const struct queue_outcome *outcome)
{
    record_outcome(queue_modules(queue), RECORD_DELIVERY, envelope, outcome);
    envelope_finish(queue->shard->set, envelope);
    queue_drop(queue);
}

static void settle_transient(struct queue *queue, struct envelope *envelope,
                             const struct queue_outcome *outcome)
{
    const struct queue_settings *settings = queue->settings;
    record_outcome(queue_modules(queue), RECORD_TRANSIENT, envelope, outcome);
    uint64_t now = clock_wall_us();
    uint64_t expiry = retry_expiry(settings, envelope->received_us);
    bool exhausted = retry_exhausted(settings, envelope->retries + 1);
    if (exhausted || expiry <= now) {
        bounce_envelope(queue, envelope, exhausted ? &out_of_retries : &out_of_time);
        return;
    }
    envelope->retries++;
    envelope->next_attempt_us = now + retry_delay(settings, envelope->retries) * UINT64_C(1000000);
    body_drop(envelope->body);
    envelope_save(queue->shard->set, envelope);
    queue_delay(queue, envelope, envelope->next_attempt_us < expiry ? envelope->next_attempt_us : expiry);
}

void queue_settle(struct queue *queue, struct envelope *envelope, const struct queue_outcome *outcome)
{
    if (outcome->verdict == QUEUE_DELIVERED)
        settle_delivered(queue, envelope, outcome);
    else if (outcome->verdict == QUEUE_TRANSIENT)
        settle_transient(queue, envelope, outcome);
    else
        bounce_envelope(queue, envelope, outcome);
    shard_flight_end(queue->shard);
}

void queue_drop(struct queue *queue)
{
    queue->held--;
    atomic_fetch_sub_explicit(&queue->shard->set->count, 1, memory_order_relaxed);
}

/* ---- names ------------------------------------------------------------------------------------------- */

/* Domains have no case, bindings do. */
static int compare_queues(const void *left, const void *right)
{
    const struct queue *a = left, *b = right;
    int order = slice_compare_nocase(a->domain, b->domain);
    if (order || slice_equal(a->binding, b->binding))
        return order;
    if (a->binding.size != b->binding.size)
        return a->binding.size < b->binding.size ? -1 : 1;
    return memcmp(a->binding.data, b->binding.data, a->binding.size);
}

static struct queue *queue_create(struct shard *shard, struct slice binding, struct slice domain)
{
    struct queue *queue = mem_new(struct queue);
    queue->shard = shard;
    queue->binding = slice_of(mem_copy_text(binding.data, binding.size), binding.size);
    queue->domain = slice_of(mem_copy_text(domain.data, domain.size), domain.size);
    queue->settings = generation_settings(shard->generation, binding, domain);
    queue->expiry.due = expire_ready;
    queue->hold.due = hold_over;
    queue->growth.due = growth_due;
    queue->condemn_task.run = condemn_batch;
    list_init(&queue->ready);
    list_init(&queue->condemned);
    list_init(&queue->waiters);
    list_append(&shard->queues, &queue->link);
    return queue;
}

struct queue *queue_find(struct shard *shard, struct slice binding, struct slice domain)
{
    struct queue key = {.binding = binding, .domain = domain};
    struct queue **found = tfind(&key, &shard->tree, compare_queues);
    if (found)
        return *found;
    struct queue *queue = queue_create(shard, binding, domain);
    if (!tsearch(queue, &shard->tree, compare_queues))
        abort(); /* out of memory, as mem_* would have it */
    return queue;
}

void queue_free(struct queue *queue)
{
    tdelete(queue, &queue->shard->tree, compare_queues);
    list_remove(&queue->link);
    list_remove(&queue->touched);
    schedule_remove(&queue->shard->schedule, &queue->expiry);
    schedule_remove(&queue->shard->schedule, &queue->growth);
    schedule_remove(&queue->shard->schedule, &queue->hold);
    for (struct list_node *node; (node = list_pop(&queue->ready)) || (node = list_pop(&queue->condemned));)
        envelope_free(envelope_of(node));
    free(queue->verdict);
    free((char *)queue->binding.data);
    free((char *)queue->domain.data);
    free(queue);
}

void queue_free_unused(struct queue *queue)
{
    if (queue->held == 0 && queue->connections == 0 && !queue->condemn_posted)
        queue_free(queue);
}

void queue_refresh(struct queue *queue)
{
    queue->settings = generation_settings(queue->shard->generation, queue->binding, queue->domain);
    if (queue->settings->blackhole != BLACKHOLE_NO)
        for (struct list_node *node; (node = list_pop(&queue->ready));) {
            queue->ready_count--;
            drop_blackholed(queue, envelope_of(node));
        }
    touch(queue);
}

/* ---- what the transport may ask ---------------------------------------------------------------------- */

const struct queue_settings *queue_settings(struct queue *queue)
{
    return queue->settings;
}

struct module_set *queue_modules(struct queue *queue)
{
    return queue->shard->generation->modules;
}

size_t queue_ready(const struct queue *queue)
{
    return may_deliver(queue) ? queue->ready_count : 0;
}

struct slice queue_domain(const struct queue *queue)
{
    return queue->domain;
}

struct slice queue_binding(const struct queue *queue)
{
    return queue->binding;
}

struct loop *queue_loop(const struct queue *queue)
{
    return queue->shard->loop;
}

struct queue_set *queue_owner(const struct queue *queue)
{
    return queue->shard->set;
}
