/*
 * memory_guard: see the header. Between the marks nothing changes, so that refusing does not flicker.
 */
#include "metrics/memory_guard.h"

#include <stdatomic.h>
#include "base/machine_memory.h"
#include "log/paniclog.h"
#include "metrics/metric.h"

static struct {
    _Atomic uint64_t used, total, refused;
    _Atomic bool refusing, above_goal;
    unsigned high_water, goal; /* percent; 0: none. Main thread */
} guard = {.high_water = 95, .goal = 90};

void memory_guard_set(unsigned high_water, unsigned goal)
{
    guard.high_water = high_water;
    guard.goal = goal;
}

static void begin(const struct machine_memory *memory, double percent)
{
    if (atomic_exchange(&guard.refusing, true))
        return;
    paniclog(PANIC_CRITICAL,
             "memory: %.0f %% of the %llu MB of %s are in use (memory_hwm %u, memory_goal %u): messages are "
             "refused "
             "with 452",
             percent, (unsigned long long)(memory->total / 1000000), memory->where, guard.high_water,
             guard.goal);
}

static void end(double percent)
{
    if (atomic_exchange(&guard.refusing, false))
        paniclog(PANIC_NOTICE, "memory: %.0f %% are in use: messages are accepted again", percent);
}

static double look(struct machine_memory *memory)
{
    machine_memory_read("", memory);
    atomic_store_explicit(&guard.used, memory->used, memory_order_relaxed);
    atomic_store_explicit(&guard.total, memory->total, memory_order_relaxed);
    double percent = memory->total ? 100.0 * (double)memory->used / (double)memory->total : 0;
    atomic_store_explicit(&guard.above_goal, guard.goal && percent >= guard.goal, memory_order_relaxed);
    return percent;
}

void memory_guard_look(void)
{
    struct machine_memory memory;
    double percent = look(&memory);
    bool goal_is_lower = guard.goal && guard.goal < guard.high_water;
    if (guard.high_water && percent >= guard.high_water)
        begin(&memory, percent);
    else if (!guard.high_water || percent < (goal_is_lower ? guard.goal : guard.high_water))
        end(percent);
}

void memory_guard_refuse(void)
{
    struct machine_memory memory;
    double percent = look(&memory);
    begin(&memory, percent);
}

bool memory_guard_has_room(uint64_t bytes)
{
    unsigned mark = guard.goal ? guard.goal : guard.high_water;
    double room = (double)atomic_load(&guard.total) * mark / 100 - (double)atomic_load(&guard.used);
    return !mark || !atomic_load(&guard.total) || (double)bytes < room;
}

bool memory_guard_is_refusing(void)
{
    return atomic_load_explicit(&guard.refusing, memory_order_relaxed);
}

bool memory_guard_is_above_goal(void)
{
    return atomic_load_explicit(&guard.above_goal, memory_order_relaxed);
}

bool memory_guard_refuses(void)
{
    if (!memory_guard_is_refusing())
        return false;
    atomic_fetch_add_explicit(&guard.refused, 1, memory_order_relaxed);
    return true;
}

uint64_t memory_guard_limit(void)
{
    struct machine_memory memory;
    machine_memory_read("", &memory);
    return memory.smallest;
}

/* ---- metrics ----------------------------------------------------------------------------------------- */

static double read_number(void *number)
{
    return (double)atomic_load_explicit((_Atomic uint64_t *)number, memory_order_relaxed);
}

static double read_refusing(void *unused)
{
    (void)unused;
    return memory_guard_is_refusing();
}

static const struct metric_definition definitions[] = {
    {.kind = METRIC_GAUGE,
     .name = "impulse_memory_used_bytes",
     .help = "Memory in use, of the limit that is closest to being reached",
     .read = read_number,
     .closure = &guard.used},
    {.kind = METRIC_GAUGE,
     .name = "impulse_memory_limit_bytes",
     .help = "That limit: the machine's memory, a cgroup's or the process's limit",
     .read = read_number,
     .closure = &guard.total},
    {.kind = METRIC_GAUGE,
     .name = "impulse_memory_refusing",
     .help = "1 while new messages are refused because of memory_hwm",
     .read = read_refusing},
    {.name = "impulse_memory_refused_total",
     .help = "Messages that were refused because of memory_hwm",
     .read = read_number,
     .closure = &guard.refused},
};

void memory_guard_register(void)
{
    for (size_t i = 0; i < sizeof definitions / sizeof *definitions; i++)
        metric_core(&definitions[i]);
}
