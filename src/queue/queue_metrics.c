/*
 * queue_metrics: what the queues count.
 */
#include "queue/queue_metrics.h"
#include "queue/queue_private.h"

struct queue_metrics queue_metrics;

static double count_envelopes(void *set)
{
    return (double)queue_set_count(set);
}

static double count_unrecorded(void *closure)
{
    const struct queue_set *set = closure;
    return (double)spool_unrecorded(set->dependencies.spool);
}

static struct metric *counter(const char *name, const char *help)
{
    return metric_core(&(struct metric_definition){.name = name, .help = help});
}

static struct metric *gauge(const char *name, const char *help)
{
    return metric_core(&(struct metric_definition){.kind = METRIC_GAUGE, .name = name, .help = help});
}

void queue_metrics_register(struct queue_set *set)
{
    static const double seconds[] = {0.01, 0.1, 1, 10, 60, 600, 3600, 6 * 3600, 24 * 3600, 72 * 3600};
    struct metric_definition attempts = {
        .name = "impulse_delivery_attempts_total",
        .help = "Ends of delivery attempts; permanent: messages given up for any reason",
    };
    queue_metrics = (struct queue_metrics){
        .delivered = metric_core_labelled(&attempts, "result", "delivered"),
        .transient = metric_core_labelled(&attempts, "result", "transient"),
        .failed = metric_core_labelled(&attempts, "result", "permanent"),
        .bytes = counter("impulse_delivered_bytes_total", "Bytes of messages that were delivered"),
        .seconds = metric_core(&(struct metric_definition){
            .kind = METRIC_HISTOGRAM,
            .name = "impulse_delivery_seconds",
            .help = "Time from reception to delivery",
            .bounds = seconds,
            .bound_count = sizeof seconds / sizeof *seconds,
        }),
        .connections = gauge("impulse_outbound_connections", "Connections that reached a next hop"),
        .connects = counter("impulse_outbound_connections_total",
                            "Connections that reached a next hop, ended ones too"),
        .obstructed = counter("impulse_outbound_obstructed_total",
                              "Connections that could not be begun because this machine lacked something"),
        .waiting = gauge("impulse_outbound_waiting_queues",
                         "Queues that wait until there may be one more connection"),
        .delayed = gauge("impulse_queue_delayed_messages", "Messages that wait for their next attempt"),
        .notices = counter("impulse_notifications_total", "Delivery status notifications made"),
    };
    metric_core(&(struct metric_definition){
        .kind = METRIC_GAUGE,
        .name = "impulse_queue_messages",
        .help = "Messages that are not delivered yet, delayed ones too",
        .read = count_envelopes,
        .closure = set,
    });
    metric_core(&(struct metric_definition){
        .kind = METRIC_GAUGE,
        .name = "impulse_spool_unrecorded_changes",
        .help = "Removals and updates that the spool has not written yet; deliveries pause while it cannot",
        .read = count_unrecorded,
        .closure = set,
    });
}
