/*
 * budget: see the header. The limits below apply until the configuration is read; they are the defaults of the options.
 */
#include "metrics/budget.h"

#include "metrics/metric.h"

#define MIB (UINT64_C(1) << 20)

static struct budget {
    const char *name, *option, *what;
    const char *answer; /* what happens when it is full; NULL: what goes beyond is refused */
    _Atomic uint64_t limit, used, refused;
    struct panic_rate said;
} budgets[BUDGETS] = {
    [BUDGET_CLIENTS] = {.name = "clients",
                        .option = "what is left of server_max_file_descriptors",
                        .what = "connections of clients",
                        .limit = UINT64_MAX},
    [BUDGET_ARRIVING] = {.name = "arriving_content",
                         .option = "arriving_content_memory",
                         .what = "bytes of content that arrives",
                         .answer = "the sessions that hold most of it wait",
                         .limit = 256 * MIB},
    [BUDGET_EDITS] = {.name = "edits",
                      .option = "module_edit_memory",
                      .what = "bytes of edits in messages that arrive",
                      .limit = 256 * MIB},
    [BUDGET_INJECTIONS] = {.name = "injections",
                           .option = "module_max_injections",
                           .what = "messages that modules inject",
                           .limit = 10000},
    [BUDGET_INJECTION_MEMORY] = {.name = "injection_memory",
                                 .option = "module_injection_memory",
                                 .what = "bytes of injected messages",
                                 .limit = 64 * MIB},
    [BUDGET_METRIC_SERIES] = {.name = "metric_series", .limit = 10000},
    [BUDGET_STREAMS] = {.name = "streams",
                        .option = "module_max_streams",
                        .what = "streams of modules",
                        .limit = 10000},
    [BUDGET_SUSPENSIONS] = {.name = "suspensions",
                            .option = "module_max_suspensions",
                            .what = "suspended hooks",
                            .limit = 100000},
};

void budgets_set(const uint64_t limits[BUDGETS])
{
    for (unsigned i = 0; i < BUDGETS; i++)
        atomic_store_explicit(&budgets[i].limit, limits[i], memory_order_relaxed);
    metric_limit_series(limits[BUDGET_METRIC_SERIES]);
}

uint64_t budget_used(enum budget_kind kind)
{
    if (kind == BUDGET_METRIC_SERIES)
        return metric_series_used();
    return atomic_load_explicit(&budgets[kind].used, memory_order_relaxed);
}

uint64_t budget_limit(enum budget_kind kind)
{
    return atomic_load_explicit(&budgets[kind].limit, memory_order_relaxed);
}

static void refuse(struct budget *budget)
{
    atomic_fetch_add_explicit(&budget->refused, 1, memory_order_relaxed);
    paniclog_rated(&budget->said, PANIC_WARNING, "no more than %llu %s at a time (%s): %s",
                   (unsigned long long)atomic_load(&budget->limit), budget->what, budget->option,
                   budget->answer ? budget->answer : "further ones are refused until some have ended");
}

bool budget_take(enum budget_kind kind, uint64_t amount)
{
    struct budget *budget = &budgets[kind];
    uint64_t used = budget_used(kind), limit = budget_limit(kind);
    do {
        if (amount > limit || used > limit - amount) {
            refuse(budget);
            return false;
        }
    } while (!atomic_compare_exchange_weak_explicit(&budget->used, &used, used + amount, memory_order_relaxed,
                                                    memory_order_relaxed));
    return true;
}

void budget_force(enum budget_kind kind, uint64_t amount)
{
    atomic_fetch_add_explicit(&budgets[kind].used, amount, memory_order_relaxed);
}

void budget_refuse(enum budget_kind kind)
{
    refuse(&budgets[kind]);
}

void budget_give(enum budget_kind kind, uint64_t amount)
{
    atomic_fetch_sub_explicit(&budgets[kind].used, amount, memory_order_relaxed);
}

/* ---- metrics ----------------------------------------------------------------------------------------- */

static enum budget_kind kind_of(const struct budget *budget)
{
    return (enum budget_kind)(budget - budgets);
}

static double read_used(void *budget)
{
    return (double)budget_used(kind_of(budget));
}

static double read_limit(void *budget)
{
    return (double)budget_limit(kind_of(budget));
}

static double read_refused(void *budget)
{
    if (kind_of(budget) == BUDGET_METRIC_SERIES)
        return (double)metric_series_refused();
    return (double)atomic_load_explicit(&((struct budget *)budget)->refused, memory_order_relaxed);
}

static const struct metric_definition definitions[] = {
    {.kind = METRIC_GAUGE,
     .name = "impulse_budget_used",
     .help = "How much of a budget is in use",
     .read = read_used},
    {.kind = METRIC_GAUGE,
     .name = "impulse_budget_limit",
     .help = "How much of a budget may be in use",
     .read = read_limit},
    {.name = "impulse_budget_refused_total",
     .help = "How often something was refused because the budget was full",
     .read = read_refused},
};

void budgets_register(void)
{
    for (unsigned i = 0; i < BUDGETS; i++)
        metric_core_read(definitions, sizeof definitions / sizeof *definitions, &budgets[i], "budget",
                         budgets[i].name);
}
