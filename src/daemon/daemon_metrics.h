/*
 * daemon_metrics: metrics of the folders that stand below metrics/, and of the process. Main thread.
 */
#ifndef IMPULSE_DAEMON_DAEMON_METRICS_H
#define IMPULSE_DAEMON_DAEMON_METRICS_H

#include "event/pool.h"
#include "spool/spool.h"

/* Both outlive the last reading. */
void daemon_metrics_register(struct pool_set *pools, struct spool *spool);

#endif
