/*
 * budget: limits how much of something there may be at once. An option sets the limit, the count is exact on any
 * number of threads, and metrics show both:
 *
 *     impulse_budget_used{budget="streams"}            impulse_budget_limit{budget="streams"}
 *     impulse_budget_refused_total{budget="streams"}
 *
 * What does not fit is refused, and the paniclog says so, at most once a minute for each budget.
 */
#ifndef IMPULSE_METRICS_BUDGET_H
#define IMPULSE_METRICS_BUDGET_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "log/paniclog.h"

enum budget_kind {
    BUDGET_CLIENTS,          /* connections of clients, also those that modules serve */
    BUDGET_ARRIVING,         /* bytes of content in memory while it arrives; see budget_force */
    BUDGET_EDITS,            /* bytes that edits put into messages that arrive */
    BUDGET_INJECTIONS,       /* messages of modules on their way into the spool */
    BUDGET_INJECTION_MEMORY, /* bytes that they hold */
    BUDGET_METRIC_SERIES,    /* metric.c counts them: they are not taken and given here */
    BUDGET_STREAMS,          /* of modules */
    BUDGET_SUSPENSIONS,      /* calls that hooks have suspended */
    BUDGETS,
};

/* Sets the limits, BUDGETS of them. What is in use above a new limit stays in use. Any thread. */
void budgets_set(const uint64_t limits[BUDGETS]);
/* Registers the metrics. Main thread; harmless when called again. */
void budgets_register(void);

/*
 * Takes `amount`. False when it does not fit; then the refusal is counted and named in the paniclog. Modules hear of
 * that line: to be called without a lock that one of them may need. Any thread.
 */
bool budget_take(enum budget_kind kind, uint64_t amount);
/*
 * For something that is there already: takes `amount` although it may not fit. Whoever uses this reacts with what it does
 * next, and tells of that with budget_refuse. Any thread.
 */
void budget_force(enum budget_kind kind, uint64_t amount);
/* Counts a refusal and names it in the paniclog, as budget_take does. Any thread; no lock held. */
void budget_refuse(enum budget_kind kind);
/* Gives back what was taken. Any thread. */
void budget_give(enum budget_kind kind, uint64_t amount);
/* How much is in use, and how much may be. Any thread. */
uint64_t budget_used(enum budget_kind kind);
uint64_t budget_limit(enum budget_kind kind);

#endif
