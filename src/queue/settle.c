/*
 * settle: what becomes of an envelope that was tried, and of all that are ready when none can be.
 */
#include <stdlib.h>
#include "base/clock.h"
#include "queue/bounce.h"
#include "queue/deferred.h"
#include "queue/delay.h"
#include "queue/flight.h"
#include "queue/notice.h"
#include "queue/outcome.h"
#include "queue/queue_records.h"
#include "queue/retry.h"
#include "queue/settle.h"
#include "queue/spooling.h"
#include "queue/walk.h"

static void success_told(struct queue *queue, struct envelope *envelope, const struct queue_outcome *outcome,
                         enum spool_status status)
{
    (void)envelope, (void)outcome, (void)status; /* it is finished, and the notification is not tried again */
    queue_drop(queue);
}

static void settle_delivered(struct queue *queue, struct envelope *envelope,
                             const struct queue_outcome *outcome)
{
    record_outcome(queue_generation(queue), queue_settings(queue), RECORD_DELIVERY, envelope, outcome);
    if (outcome->duty != QUEUE_PASSED_ON && notice_is_wanted(queue, envelope, DSN_DELIVERED)) {
        notice_send(queue, envelope, outcome->duty == QUEUE_FINAL ? DSN_DELIVERED : DSN_RELAYED, outcome,
                    NULL, success_told);
        return;
    }
    envelope_finish(queue->shard->set, envelope);
    queue_drop(queue);
}

/* ---- delay ------------------------------------------------------------------------------------------- */

/*
 * Is this failed attempt the first one since the message is late? When the attempt before was follows from
 * when this one was due, so that nothing has to be remembered over a restart.
 */
static bool is_late_now(const struct queue_settings *settings, const struct envelope *envelope, uint64_t now)
{
    uint64_t late = envelope->received_us + settings->delay_dsn_retry_interval * UINT64_C(1000000);
    if (now < late)
        return false;
    uint64_t wait = retry_delay(settings, envelope->retries) * UINT64_C(1000000);
    return envelope->retries == 0 || envelope->next_attempt_us < late + wait;
}

static void delay_told(struct queue *queue, struct envelope *copy, const struct queue_outcome *outcome,
                       enum spool_status status)
{
    (void)outcome, (void)status;
    envelope_free(copy);
    queue->held--;
}

/*
 * The notification is made of a copy, because the envelope goes on with its life meanwhile. The copy is never
 * stored, also when the envelope is yet to be: a queue that is freed stores those that are.
 */
static void tell_delay(struct queue *queue, const struct envelope *envelope,
                       const struct queue_outcome *outcome)
{
    struct envelope_facts facts = {
        .reverse_path = envelope->reverse_path,
        .recipient = envelope->recipient,
        .parameters = envelope->parameters,
        .header = envelope->header,
        .id = envelope->id,
        .received_us = envelope->received_us,
        .flags = envelope->flags & ~(uint32_t)ENVELOPE_DEFERRED,
    };
    struct envelope *copy = envelope_create(&facts, NULL);
    copy->body = body_ref(envelope->body); /* not attached: it has no row in the spool */
    queue->held++;                         /* the queue lives until delay_told */
    notice_send(queue, copy, DSN_DELAYED, outcome, NULL, delay_told);
}

static void wait_for_retry(struct queue *queue, struct envelope *envelope)
{
    uint64_t expiry = retry_expiry(queue->settings, envelope->received_us);
    if (!(envelope->flags & ENVELOPE_DEFERRED))
        body_drop(envelope->body);
    queue_delay(queue, envelope, envelope->next_attempt_us < expiry ? envelope->next_attempt_us : expiry);
}

/*
 * The envelope stays in `flying` while hooks are told, so that shard_store_last finds it even if one of them
 * does not return.
 */
static void settle_transient(struct queue *queue, struct envelope *envelope,
                             const struct queue_outcome *outcome)
{
    const struct queue_settings *settings = queue->settings;
    record_outcome(queue_generation(queue), queue_settings(queue), RECORD_TRANSIENT, envelope, outcome);
    uint64_t now = clock_wall_us();
    uint64_t expiry = retry_expiry(settings, envelope->received_us);
    bool exhausted = retry_exhausted(settings, envelope->retries + 1);
    if (exhausted || expiry <= now) {
        flying_end(queue->shard, envelope);
        bounce_envelope(queue, envelope, exhausted ? &outcome_out_of_retries : &outcome_out_of_time, outcome);
        return;
    }
    if (notice_is_wanted(queue, envelope, DSN_DELAYED) && is_late_now(settings, envelope, now))
        tell_delay(queue, envelope, outcome);
    record_moment(queue_generation(queue), queue_settings(queue), POINT_REQUEUE, envelope, outcome);
    flying_end(queue->shard, envelope);
    envelope->retries++;
    envelope->next_attempt_us = now + retry_delay(settings, envelope->retries) * UINT64_C(1000000);
    bool deferred = envelope->flags & ENVELOPE_DEFERRED;
    if (deferred)
        deferred_store(queue, envelope, wait_for_retry);
    envelope_save(queue->shard->set, envelope, outcome); /* behind it: the spool keeps their order */
    if (!deferred)
        wait_for_retry(queue, envelope);
}

void queue_settle(struct queue *queue, struct envelope *envelope, const struct queue_outcome *outcome)
{
    record_moment(queue_generation(queue), queue_settings(queue), POINT_ATTEMPTED, envelope, outcome);
    if (outcome->verdict != QUEUE_TRANSIENT)
        flying_end(queue->shard, envelope);
    if (outcome->verdict == QUEUE_DELIVERED)
        settle_delivered(queue, envelope, outcome);
    else if (outcome->verdict == QUEUE_TRANSIENT)
        settle_transient(queue, envelope, outcome);
    else
        bounce_envelope(queue, envelope, outcome, NULL);
    shard_flight_end(queue->shard);
}

/* ---- condemning: one outcome for all that was ready -------------------------------------------------- */

static void condemn_batch(struct loop_task *task)
{
    struct queue *queue = container_of(task, struct queue, condemn_task);
    queue->condemn_posted = false;
    if (queue->shard->draining)
        return;
    for (unsigned i = 0; i < QUEUE_BATCH && !list_empty(&queue->condemned); i++) {
        struct list_node *node = queue->condemned.head.next;
        shard_flight_begin(queue->shard);
        walk_leaves(queue->shard, node);
        list_remove(node);
        queue_settle(queue, container_of(node, struct envelope, link), &queue->verdict->outcome);
    }
    if (list_empty(&queue->condemned)) {
        queue_free_unused(queue);
        return;
    }
    queue->condemn_posted = true;
    loop_post(queue->shard->loop, &queue->condemn_task);
}

void queue_condemn_ready(struct queue *queue, const struct queue_outcome *outcome)
{
    free(queue->verdict);
    queue->verdict = outcome_store(outcome);
    walk_moves(queue->shard, &queue->ready, &queue->condemned);
    while (!list_empty(&queue->ready))
        list_append(&queue->condemned, list_pop(&queue->ready));
    queue->ready_count = queue->followers = queue->deferred = 0;
    if (queue->condemn_posted)
        return;
    queue->condemn_posted = true;
    queue->condemn_task.run = condemn_batch;
    loop_post(queue->shard->loop, &queue->condemn_task);
}
