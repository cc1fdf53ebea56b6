/*
 * ready: the ready list of a queue: what comes onto it, what is taken from it, what expires on it.
 */
#include "base/clock.h"
#include "queue/queue_records.h"
#include "queue/bounce.h"
#include "queue/deferred.h"
#include "queue/flight.h"
#include "queue/outcome.h"
#include "queue/pause.h"
#include "queue/ready.h"
#include "queue/retry.h"
#include "queue/timer.h"
#include "queue/walk.h"

/* An expired envelope that is ready is tried all the same (never_attempt_expired_messages is off) if its turn
 * comes within this many seconds. */
enum { EXPIRED_GRACE = 60 };
/* After so many envelopes of other messages in a row, no further one of the same is looked for. */
enum { BATCH_STRANGERS = 64 };

static struct envelope *envelope_of(struct list_node *node)
{
    return container_of(node, struct envelope, link);
}

/* ---- the list ---------------------------------------------------------------------------------------- */

static void append(struct queue *queue, struct envelope *envelope)
{
    const struct list_node *last = queue->ready.head.prev;
    envelope->follows =
        last != &queue->ready.head && envelope_may_share(container_of(last, struct envelope, link), envelope);
    list_append(&queue->ready, &envelope->link);
    queue->ready_count++;
    queue->followers += envelope->follows;
    queue->deferred += (envelope->flags & ENVELOPE_DEFERRED) != 0;
}

void queue_leave(struct queue *queue, struct envelope *envelope)
{
    walk_leaves(queue->shard, &envelope->link);
    list_remove(&envelope->link);
    queue->ready_count--;
    queue->followers -= envelope->follows;
    queue->deferred -= (envelope->flags & ENVELOPE_DEFERRED) != 0;
    envelope->follows = false;
}

/* ---- expiry ------------------------------------------------------------------------------------------ */

static uint64_t ready_deadline(const struct queue *queue, const struct envelope *envelope)
{
    uint64_t expiry = retry_expiry(queue->settings, envelope->received_us);
    return queue->settings->never_attempt_expired ? expiry : expiry + EXPIRED_GRACE * UINT64_C(1000000);
}

static void expire_ready(struct schedule_item *item);

static void watch_expiry(struct queue *queue, uint64_t when_us)
{
    if (schedule_has(&queue->expiry)) {
        if (queue->expiry.when_us <= when_us)
            return;
        schedule_remove(&queue->shard->schedule, &queue->expiry);
    }
    queue->expiry.when_us = when_us;
    queue->expiry.due = expire_ready;
    shard_schedule(queue->shard, &queue->expiry);
}

/* Searches the ready list; at most once a second, because it may be long. */
static void expire_ready(struct schedule_item *item)
{
    struct queue *queue = container_of(item, struct queue, expiry);
    uint64_t now = clock_wall_us(), earliest = UINT64_MAX;
    unsigned expired = 0;
    if (pause_is_on(queue->shard)) {
        watch_expiry(queue, now + 1000000);
        return;
    }
    list_each(&queue->ready, node, after) {
        struct envelope *envelope = envelope_of(node);
        uint64_t deadline = ready_deadline(queue, envelope);
        if (deadline > now || ++expired > QUEUE_BATCH) {
            earliest = deadline < earliest ? deadline : earliest;
            continue;
        }
        queue_leave(queue, envelope);
        bounce_envelope(queue, envelope, &outcome_out_of_time, NULL);
    }
    if (earliest != UINT64_MAX)
        watch_expiry(queue, earliest > now + 1000000 ? earliest : now + 1000000);
    queue_touch(queue);
}

/* ---- coming ------------------------------------------------------------------------------------------ */

static void drop_blackholed(struct queue *queue, struct envelope *envelope)
{
    queue_drop(queue);
    queue_accept(queue->shard->set, envelope); /* which deals with blackholed envelopes by itself */
}

/* What is in memory only is looked after: see sweep.c. */
static void watch_deferred(struct shard *shard, const struct envelope *envelope)
{
    if (!(envelope->flags & ENVELOPE_DEFERRED) || schedule_has(&shard->sweep))
        return;
    shard->sweep.when_us = clock_wall_us() + DEFERRED_US;
    shard_schedule(shard, &shard->sweep);
}

/* It was never to be delivered. */
static void bounce_refused(struct queue *queue, struct envelope *envelope)
{
    struct queue_outcome refused = {
        .verdict = QUEUE_PERMANENT,
        .response = envelope_parameter(envelope, "REFUSAL"),
    };
    bounce_envelope(queue, envelope, &refused, NULL);
}

void queue_add(struct queue *queue, struct envelope *envelope)
{
    queue_touch(queue);
    if ((envelope->flags & ENVELOPE_REFUSED) && !queue->shard->draining) {
        bounce_refused(queue, envelope);
        return;
    }
    if (queue->settings->blackhole != BLACKHOLE_NO && !(envelope->flags & ENVELOPE_REFUSED)) {
        drop_blackholed(queue, envelope);
        return;
    }
    append(queue, envelope);
    watch_deferred(queue->shard, envelope);
    uint64_t deadline = ready_deadline(queue, envelope);
    if (!schedule_has(&queue->expiry) || deadline < queue->expiry.when_us) {
        uint64_t soonest = clock_wall_us() + EXPIRED_GRACE * UINT64_C(1000000);
        bool expired = !queue->settings->never_attempt_expired && deadline < soonest;
        watch_expiry(queue, expired ? soonest : deadline);
    }
}

void queue_delay_over(struct queue *queue, struct envelope *envelope)
{
    queue_touch(queue);
    uint64_t now = clock_wall_us();
    if (envelope->next_attempt_us > now && retry_expiry(queue->settings, envelope->received_us) <= now)
        bounce_envelope(queue, envelope, &outcome_out_of_time, NULL);
    else
        queue_add(queue, envelope);
}

void queue_refresh(struct queue *queue)
{
    queue->settings = generation_settings(queue->shard->generation, queue->binding, queue->domain);
    if (queue->settings->blackhole != BLACKHOLE_NO)
        while (!list_empty(&queue->ready)) {
            struct envelope *envelope = envelope_of(queue->ready.head.next);
            queue_leave(queue, envelope);
            drop_blackholed(queue, envelope);
        }
    queue_touch(queue);
}

/* ---- taking ------------------------------------------------------------------------------------------ */

bool queue_may_deliver(const struct queue *queue)
{
    return !queue->shard->draining && !queue->settings->suspend_delivery && queue->shard->set->transport &&
           !pause_is_on(queue->shard);
}

size_t queue_ready(const struct queue *queue)
{
    return queue_may_deliver(queue) ? queue->ready_count : 0;
}

/* Takes it off the ready list for an attempt. False: it expired, and may not be attempted any more. */
static bool take(struct queue *queue, struct envelope *envelope)
{
    queue_leave(queue, envelope);
    queue->taken++;
    if (queue->settings->never_attempt_expired &&
        retry_expiry(queue->settings, envelope->received_us) <= clock_wall_us()) {
        bounce_envelope(queue, envelope, &outcome_not_attempted, NULL);
        return false;
    }
    shard_flight_begin(queue->shard);
    flying_begin(queue->shard, envelope);
    return true;
}

struct envelope *queue_take(struct queue *queue)
{
    while (queue_may_deliver(queue) && !list_empty(&queue->ready)) {
        struct envelope *envelope = envelope_of(queue->ready.head.next);
        if (take(queue, envelope))
            return envelope;
    }
    return NULL;
}

size_t queue_take_batch(struct queue *queue, const struct envelope *first, struct envelope **more,
                        size_t limit)
{
    size_t taken = 0;
    unsigned strangers = 0;
    if (!queue_may_deliver(queue) ||
        atomic_load_explicit(&first->body->undelivered, memory_order_relaxed) < 2)
        return 0; /* the common message, with one recipient: nothing to look for */
    list_each(&queue->ready, node, after) {
        struct envelope *envelope = envelope_of(node);
        if (taken == limit || strangers == BATCH_STRANGERS)
            break;
        strangers++;
        if (!envelope_may_share(first, envelope))
            continue;
        strangers = 0;
        if (take(queue, envelope))
            more[taken++] = envelope;
    }
    return taken;
}

void queue_give_back(struct queue *queue, struct envelope *envelope)
{
    flying_end(queue->shard, envelope);
    list_prepend(&queue->ready, &envelope->link);
    queue->ready_count++;
    queue->deferred += (envelope->flags & ENVELOPE_DEFERRED) != 0;
    if (!queue->shard->draining)
        watch_deferred(queue->shard, envelope);
    else if (envelope->flags & ENVELOPE_DEFERRED)
        deferred_store(queue, envelope, NULL);
    shard_flight_end(queue->shard);
    queue_touch(queue);
}
