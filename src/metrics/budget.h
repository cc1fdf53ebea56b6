/*
 * budget: how much of something there may be at once: a limit that an option sets, a count that is exact on any number
 * of threads, and metrics that show how full it is:
 *
 *     impulse_budget_used{budget="streams"}            impulse_budget_limit{budget="streams"}
 *     impulse_budget_refused_total{budget="streams"}
 *
 * When it is full the owner refuses, and the paniclog says so, at most once a minute for each budget.
 */
#ifndef IMPULSE_METRICS_BUDGET_H
#define IMPULSE_METRICS_BUDGET_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "log/paniclog.h"

enum budget_kind {
    BUDGET_EDITS,            /* bytes that edits put into messages that arrive */
    BUDGET_INJECTIONS,       /* messages of modules on their way into the spool */
    BUDGET_INJECTION_MEMORY, /* bytes that they hold */
    BUDGET_METRIC_SERIES,    /* which metric.c counts by itself */
    BUDGET_STREAMS,          /* of modules */
    BUDGET_SUSPENSIONS,      /* calls of hooks that wait */
    BUDGETS,
};

/* Sets the limits, BUDGETS of them; what is there above a new limit stays. Any thread. */
void budgets_set(const uint64_t limits[BUDGETS]);
/* Registers the metrics. Main thread; harmless when called again. */
void budgets_register(void);

/*
 * False: that much more does not fit; it is counted, and the paniclog is told: to be called without a lock that a module
 * which takes paniclog lines may want. Any thread.
 */
bool budget_take(enum budget_kind kind, uint64_t amount);
/* Any thread. */
void budget_give(enum budget_kind kind, uint64_t amount);
uint64_t budget_used(enum budget_kind kind);
uint64_t budget_limit(enum budget_kind kind);

#endif
