/*
 * queue_records: fills in log events from envelopes and outcomes.
 *
 * Source of the fields: Momentum 4 manual, mainlog.
 */
#include "base/clock.h"
#include "queue/queue_metrics.h"
#include "queue/queue_records.h"

static struct imp_text text_of(struct slice s)
{
    return (struct imp_text){s.data, s.size};
}

/* Returns the part of a mailbox before its last '@'; all of it if there is none. */
static struct imp_text local_part(struct slice mailbox)
{
    const char *at = mailbox.size ? memrchr(mailbox.data, '@', mailbox.size) : NULL;
    return (struct imp_text){mailbox.data, at ? (size_t)(at - mailbox.data) : mailbox.size};
}

static struct imp_text name_or_default(struct slice name)
{
    return text_of(name.size ? name : SLICE_LITERAL("default"));
}

void record_outcome(struct module_set *modules, enum record_kind kind, const struct envelope *envelope,
                    const struct queue_outcome *outcome)
{
    uint64_t now = clock_wall_us();
    struct imp_log_delivery event = {
        .size = sizeof event,
        .time_us = now,
        .message_id = envelope->id,
        .batch_id = envelope->batch_id,
        .connection_id = outcome->connection_id,
        .recipient_local = local_part(envelope->recipient),
        .recipient_domain = text_of(envelope->recipient_domain),
        .sender_local = local_part(envelope->reverse_path),
        .sender_domain = text_of(envelope->sender_domain),
        .bytes = outcome->bytes,
        .binding_group = name_or_default(envelope->binding_group),
        .binding = name_or_default(envelope->binding),
        .stage = outcome->stage,
        .retries = envelope->retries,
        .seconds = now > envelope->received_us ? (double)(now - envelope->received_us) / 1e6 : 0,
        .peer = text_of(outcome->peer),
        .response = text_of(outcome->response),
    };
    static void (*const tell[])(struct module_set *, const struct imp_log_delivery *) = {
        [RECORD_DELIVERY] = module_set_log_delivery,
        [RECORD_TRANSIENT] = module_set_log_transient,
        [RECORD_PERMANENT] = module_set_log_permanent,
    };
    tell[kind](modules, &event);
    struct metric *const counters[] = {
        [RECORD_DELIVERY] = queue_metrics.delivered,
        [RECORD_TRANSIENT] = queue_metrics.transient,
        [RECORD_PERMANENT] = queue_metrics.failed,
    };
    metric_add(counters[kind], 1);
    if (kind == RECORD_DELIVERY) {
        metric_add(queue_metrics.bytes, event.size);
        metric_observe(queue_metrics.seconds, event.seconds);
    }
}
