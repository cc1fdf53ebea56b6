/*
 * smtps_metrics: what the SMTP server counts (metrics/metric.h). Any thread.
 */
#ifndef IMPULSE_SMTP_SERVER_SMTPS_METRICS_H
#define IMPULSE_SMTP_SERVER_SMTPS_METRICS_H

#include "metrics/metric.h"

struct smtps_metrics {
    struct metric *sessions;        /* that began */
    struct metric *received, *size; /* envelopes handed to the queue; bytes of their messages, a histogram */
    struct metric *deferred;        /* refused transactions and recipients: with 4yz ... */
    struct metric *rejected;        /* ... with 5yz */
};

extern struct smtps_metrics smtps_metrics; /* registered by smtps_metrics_register */

struct smtp_server;
/* Main thread, before there are sessions. */
void smtps_metrics_register(struct smtp_server *server);
/* One more transaction or recipient was refused with that code. */
void smtps_metrics_refused(int code);

#endif
