/*
 * summary.h: the counters of the process, as the console's "summary" shows them. Main thread.
 */
#ifndef IMPULSE_DAEMON_SUMMARY_H
#define IMPULSE_DAEMON_SUMMARY_H

#include <stdint.h>
#include <stdio.h>
#include "queue/queue.h"
#include "smtp/server/server.h"

struct summary {                   /* zero-initialised: counts since the start */
    uint64_t started_ms, reset_ms; /* clock_mono_ms */
    struct smtp_counts received;   /* as they were at the last reset */
    struct queue_counts delivered;
};

/* Begins, or begins anew: counters that only grow are counted from here on. */
void summary_start(struct summary *summary);
void summary_reset(struct summary *summary, const struct smtp_server *server, const struct queue_set *queues);
void summary_print(const struct summary *summary, const struct smtp_server *server,
                   const struct queue_set *queues, FILE *out);

#endif
