/*
 * queue_metrics: what the queues count (metrics/metric.h). Private to src/queue. Any thread.
 */
#ifndef IMPULSE_QUEUE_QUEUE_METRICS_H
#define IMPULSE_QUEUE_QUEUE_METRICS_H

#include "metrics/metric.h"
#include "queue/queue.h"

struct queue_metrics {
    struct metric *delivered, *transient, *failed; /* attempts that ended so */
    struct metric *bytes, *seconds;                /* of delivered messages; the latter a histogram */
    struct metric *connections, *connects;         /* to next hops: now; in all */
    struct metric *obstructed;                     /* connections that this machine could not begin */
    struct metric *waiting;                        /* queues that wait for a permit (permits.h) */
    struct metric *delayed;                        /* envelopes that wait for their time */
    struct metric *notices;                        /* notifications that were stored */
};

extern struct queue_metrics queue_metrics; /* registered by queue_metrics_register */

/* Main thread. */
void queue_metrics_register(struct queue_set *set);

#endif
