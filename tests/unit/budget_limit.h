/* budget_limit: a limit of the tests' own. */
#ifndef IMPULSE_TESTS_BUDGET_LIMIT_H
#define IMPULSE_TESTS_BUDGET_LIMIT_H

#include "metrics/budget.h"

/* Sets the limit of one kind; the others stay as they are. */
static inline void budget_limit_to(enum budget_kind kind, uint64_t most)
{
    uint64_t limits[BUDGETS];
    for (unsigned i = 0; i < BUDGETS; i++)
        limits[i] = budget_limit(i);
    limits[kind] = most;
    budgets_set(limits);
}

#endif
