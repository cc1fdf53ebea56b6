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

void record_describe(struct imp_log_delivery *record, const struct envelope *envelope,
                     const struct queue_outcome *outcome)
{
    uint64_t now = clock_wall_us();
    *record = (struct imp_log_delivery){
        .size = sizeof(struct imp_log_delivery),
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
}

void record_moment(struct generation *generation, const struct queue_settings *settings,
                   enum hook_point point, const struct envelope *envelope,
                   const struct queue_outcome *outcome)
{
    static const struct queue_outcome nothing;
    static const enum imp_moment_result results[] = {
        [QUEUE_DELIVERED] = IMP_MOMENT_DELIVERED,
        [QUEUE_TRANSIENT] = IMP_MOMENT_TRANSIENT,
        [QUEUE_PERMANENT] = IMP_MOMENT_PERMANENT,
    };
    if (!module_set_has_hook(generation->modules, point))
        return;
    if (!outcome)
        outcome = &nothing;
    struct imp_log_delivery record;
    record_describe(&record, envelope, outcome);
    struct imp_moment moment = {
        .size = sizeof moment,
        .result = outcome == &nothing ? IMP_MOMENT_NONE : results[outcome->verdict],
        .record = &record,
        .policy = settings->modules,
        .host = text_of(outcome->host),
        .host_policy = generation_host_policy(generation, envelope->binding, outcome->host),
    };
    module_set_tell(generation->modules, point, &(struct hook_moment){.argument = &moment});
}

void record_outcome(struct generation *generation, const struct queue_settings *settings,
                    enum record_kind kind, const struct envelope *envelope,
                    const struct queue_outcome *outcome)
{
    struct imp_log_delivery event;
    record_describe(&event, envelope, outcome);
    static void (*const tell[])(struct module_set *, const struct imp_log_delivery *) = {
        [RECORD_DELIVERY] = module_set_log_delivery,
        [RECORD_TRANSIENT] = module_set_log_transient,
        [RECORD_PERMANENT] = module_set_log_permanent,
    };
    tell[kind](generation->modules, &event);
    if (kind != RECORD_TRANSIENT)
        record_moment(generation, settings, POINT_GONE, envelope, outcome);
    struct metric *const counters[] = {
        [RECORD_DELIVERY] = queue_metrics.delivered,
        [RECORD_TRANSIENT] = queue_metrics.transient,
        [RECORD_PERMANENT] = queue_metrics.failed,
    };
    metric_add(counters[kind], 1);
    if (kind == RECORD_DELIVERY) {
        metric_add(queue_metrics.bytes, event.bytes);
        metric_observe(queue_metrics.seconds, event.seconds);
    }
}
