/* budget_limits: see budget_limits.h. */
#include "daemon/budget_limits.h"

#include "daemon/file_shares.h"
#include "metrics/budget.h"
#include "metrics/memory_guard.h"
#include "policy/fields.h"

struct budget_limits {
    uint64_t arriving, edits, injections, injection_memory, metric_series, streams, suspensions;
    unsigned memory_hwm, memory_goal; /* percent */
};

static const struct policy_field fields[] = {
#define BUDGET(field, option, type) POLICY_FIELD(struct budget_limits, field, option, type),
#include "policy/fields_of.h"
};

/*
 * The memory for content that arrives where no option says it: a share of what there is, which leaves room for the queue,
 * and never so much that an attack is felt.
 */
static uint64_t share_of_memory(void)
{
    const uint64_t least = UINT64_C(32) << 20, most = UINT64_C(1) << 30;
    uint64_t share = memory_guard_limit() / 16;
    return share < least ? least : share > most ? most : share;
}

void budget_limits_apply(const struct conf *conf)
{
    struct budget_limits limits;
    struct file_shares shares;
    struct conf_chain chain;
    conf_chain_global(&chain, conf);
    policy_fields_fill(&limits, fields, POLICY_FIELD_COUNT(fields), &chain);
    file_shares_of(conf, &shares);
    budgets_set((const uint64_t[BUDGETS]){
        [BUDGET_CLIENTS] = shares.clients,
        [BUDGET_ARRIVING] = limits.arriving ? limits.arriving : share_of_memory(),
        [BUDGET_EDITS] = limits.edits,
        [BUDGET_INJECTIONS] = limits.injections,
        [BUDGET_INJECTION_MEMORY] = limits.injection_memory,
        [BUDGET_METRIC_SERIES] = limits.metric_series,
        [BUDGET_STREAMS] = limits.streams,
        [BUDGET_SUSPENSIONS] = limits.suspensions,
    });
    memory_guard_set(limits.memory_hwm, limits.memory_goal);
    memory_guard_look();
}
