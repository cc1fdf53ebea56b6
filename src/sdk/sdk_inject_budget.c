/*
 * sdk_inject_budget: how much may be injected at once; what is counted; from when to when.
 */
#include "sdk/sdk_inject_private.h"

#include <errno.h>
#include <stdlib.h>
#include "base/mem.h"
#include "metrics/budget.h"

struct sdk_injector sdk_injector = {.pending = PENDING_STATIC};

/* ---- the budget -------------------------------------------------------------------------------------- */

static bool take(uint64_t bytes)
{
    if (!budget_take(BUDGET_INJECTIONS, 1))
        return false;
    if (budget_take(BUDGET_INJECTION_MEMORY, bytes))
        return true;
    budget_give(BUDGET_INJECTIONS, 1);
    return false;
}

int sdk_inject_enter_budget(uint64_t bytes)
{
    if (!pending_enter(&sdk_injector.pending))
        return ESHUTDOWN;
    if (take(bytes))
        return 0;
    metric_add(sdk_injector.busy, 1);
    pending_end(&sdk_injector.pending);
    return EAGAIN;
}

void sdk_inject_leave_budget(uint64_t bytes)
{
    budget_give(BUDGET_INJECTIONS, 1);
    budget_give(BUDGET_INJECTION_MEMORY, bytes);
}

int sdk_inject_leave_again(uint64_t bytes)
{
    metric_add(sdk_injector.full, 1);
    sdk_inject_leave_budget(bytes);
    pending_end(&sdk_injector.pending);
    return ENOSPC;
}

/* ---- the daemon's side ------------------------------------------------------------------------------- */

static double count_messages(void *unused)
{
    (void)unused;
    return (double)budget_used(BUDGET_INJECTIONS);
}

static double count_bytes(void *unused)
{
    (void)unused;
    return (double)budget_used(BUDGET_INJECTION_MEMORY);
}

static void register_metrics(void)
{
    struct metric_definition refused = {
        .name = "impulse_injections_refused_total",
        .help = "Messages of modules that were not stored: too many at once, disk full or failed, given up",
    };
    sdk_injector.injected = metric_core(&(struct metric_definition){
        .name = "impulse_injected_messages_total",
        .help = "Messages that modules made, one for each recipient",
    });
    sdk_injector.busy = metric_core_labelled(&refused, "reason", "busy");
    sdk_injector.full = metric_core_labelled(&refused, "reason", "full");
    sdk_injector.failed = metric_core_labelled(&refused, "reason", "error");
    sdk_injector.cancelled = metric_core_labelled(&refused, "reason", "cancelled");
    metric_core(&(struct metric_definition){
        .kind = METRIC_GAUGE,
        .name = "impulse_injections",
        .help = "Messages of modules that are on their way into the spool (module_max_injections)",
        .read = count_messages,
    });
    metric_core(&(struct metric_definition){
        .kind = METRIC_GAUGE,
        .name = "impulse_injection_bytes",
        .help = "Memory set aside for them (module_injection_memory)",
        .read = count_bytes,
    });
}

void sdk_inject_open(struct queue_set *queues, const struct queue_dependencies *dependencies,
                     const char *hostname)
{
    register_metrics();
    sdk_injector.dependencies = *dependencies;
    sdk_injector.hostname = mem_dup(hostname);
    sdk_injector.queues = queues;
    pending_open(&sdk_injector.pending);
}

void sdk_inject_close(void)
{
    pending_close(&sdk_injector.pending);
    free(sdk_injector.hostname);
    sdk_injector.hostname = NULL;
}
