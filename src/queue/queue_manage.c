/*
 * queue_manage: changing what waits in the queues.
 */
#include "queue/queue_manage.h"

#include <errno.h>
#include "base/clock.h"
#include "base/id.h"
#include "base/mem.h"
#include "module/reception_record.h"
#include "queue/bounce.h"
#include "queue/deferred.h"
#include "queue/delay.h"
#include "queue/outcome.h"
#include "queue/queue_records.h"
#include "queue/ready.h"
#include "queue/retry.h"
#include "queue/spooling.h"
#include "queue/succession.h"
#include "queue/walk.h"

/* Takes the envelope from where it waits. False: it is in flight. */
static bool take_out(struct queued *queued)
{
    if (queued->state == QUEUED_IN_FLIGHT)
        return false;
    if (queued->state == QUEUED_DELAYED)
        queue_delay_cancel(queued->queue->shard, queued->item);
    else
        queue_leave(queued->queue, queued->envelope);
    queued->state = QUEUED_IN_FLIGHT; /* a second change is refused */
    queue_touch(queued->queue);
    return true;
}

bool queued_retry(struct queued *queued)
{
    if (!take_out(queued))
        return false;
    if (queued->envelope->next_attempt_us) /* 0 would say that there is nothing about it in the spool */
        queued->envelope->next_attempt_us = clock_wall_us();
    queue_add(queued->queue, queued->envelope);
    return true;
}

static void wait(struct queue *queue, struct envelope *envelope)
{
    uint64_t expiry = retry_expiry(queue->settings, envelope->received_us);
    queue_delay(queue, envelope, envelope->next_attempt_us < expiry ? envelope->next_attempt_us : expiry);
}

bool queued_reschedule(struct queued *queued, uint64_t when_us)
{
    struct queue *queue = queued->queue;
    struct envelope *envelope = queued->envelope;
    if (!take_out(queued))
        return false;
    bool deferred = envelope->flags & ENVELOPE_DEFERRED;
    envelope->next_attempt_us = when_us ? when_us : 1;
    if (deferred)
        deferred_store(queue, envelope, wait);
    envelope_save_time(queue->shard->set, envelope); /* behind it: the spool keeps their order */
    if (!deferred)
        wait(queue, envelope);
    return true;
}

bool queued_fail(struct queued *queued, struct slice response)
{
    struct queue_outcome outcome = {.verdict = QUEUE_PERMANENT, .response = response};
    if (!take_out(queued))
        return false;
    bounce_envelope(queued->queue, queued->envelope, &outcome, NULL);
    return true;
}

bool queued_remove(struct queued *queued, struct slice response)
{
    struct queue_outcome outcome = {.verdict = QUEUE_PERMANENT, .response = response};
    if (!take_out(queued))
        return false;
    record_outcome(queue_generation(queued->queue), queue_settings(queued->queue), RECORD_PERMANENT,
                   queued->envelope, &outcome);
    envelope_finish(queued->queue->shard->set, queued->envelope);
    queue_drop(queued->queue);
    return true;
}

static struct slice either(struct slice given, struct slice kept)
{
    return given.size ? given : kept;
}

/* Of the same body, whose count of undelivered envelopes does not change. */
static struct envelope *make_successor(const struct envelope *envelope, struct slice recipient,
                                       struct slice binding, struct slice group)
{
    struct envelope_facts facts = envelope_facts_of(envelope);
    facts.id = id_next();
    facts.recipient = either(recipient, envelope->recipient);
    facts.binding = either(binding, envelope->binding);
    facts.binding_group = either(group, binding.size ? SLICE_LITERAL("default") : envelope->binding_group);
    facts.flags |= slice_is_ascii(recipient) ? 0 : ENVELOPE_SMTPUTF8;
    struct envelope *successor = envelope_create(&facts, NULL);
    successor->body = body_ref(envelope->body);
    return successor;
}

bool queued_change(struct queued *queued, struct slice recipient, struct slice binding, struct slice group,
                   struct slice response, uint64_t *id)
{
    struct queue_outcome outcome = {.verdict = QUEUE_PERMANENT, .response = response};
    struct queue *queue = queued->queue;
    struct shard *shard = queue->shard;
    if (!take_out(queued))
        return false;
    struct envelope *successor = make_successor(queued->envelope, recipient, binding, group);
    *id = successor->id;
    record_outcome(queue_generation(queue), queue_settings(queue), RECORD_PERMANENT, queued->envelope,
                   &outcome);
    record_reception(queue_modules(queue), successor, "internal");
    queue_drop(queue);
    envelope_replace(shard, queued->envelope, successor);
    queued->envelope = NULL;
    return true;
}

int queue_last_outcome(struct queue_set *set, uint64_t id, struct stored_outcome **outcome,
                       struct slice *response, struct slice *peer)
{
    char *remark;
    size_t size;
    int error = spool_remark_read(set->dependencies.spool, id, &remark, &size);
    if (error)
        return error;
    *outcome = outcome_recall(slice_of(remark, size));
    free(remark);
    if (!*outcome)
        return -ENOENT;
    *response = (*outcome)->outcome.response;
    *peer = (*outcome)->outcome.peer;
    return 0;
}
