/*
 * budget_limits: the options that limit how much of something there may be at once (metrics/budget.h, metrics/memory_guard.h).
 * Main thread.
 */
#ifndef IMPULSE_DAEMON_BUDGET_LIMITS_H
#define IMPULSE_DAEMON_BUDGET_LIMITS_H

#include "confparse/confparse.h"

/* Sets the limits that the configuration says. */
void budget_limits_apply(const struct conf *conf);

#endif
