/*
 * turn: see the header.
 */
#include "event/turn.h"

#include <time.h>
#include "base/clock.h"

enum { CPU_EVERY_US = 2000 };

static const uint64_t bounds_us[LOOP_BOUNDS] = {10000, 20000, 100000};

void turn_begin(struct turn_clock *turn, uint64_t now_ms)
{
    if (turn->began_noted)
        return;
    turn->began_noted = true;
    turn->began_ms = now_ms;
}

static uint64_t thread_cpu_us(void)
{
    struct timespec time;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return (uint64_t)time.tv_sec * 1000000 + (uint64_t)time.tv_nsec / 1000;
}

/* Returns the CPU time of the turn that ends at `now_us` after `wall_us`, at most CPU_EVERY_US too much. */
static uint64_t cpu_of_turn(struct turn_clock *turn, uint64_t now_us, uint64_t wall_us)
{
    if (now_us - turn->cpu_read_us < CPU_EVERY_US)
        return 0;
    uint64_t cpu = thread_cpu_us(), used = cpu - turn->cpu_us;
    turn->cpu_us = cpu;
    turn->cpu_read_us = now_us;
    return used < wall_us ? used : wall_us;
}

static void raise_to(_Atomic uint64_t *highest, uint64_t value)
{
    if (value > atomic_load_explicit(highest, memory_order_relaxed))
        atomic_store_explicit(highest, value, memory_order_relaxed);
}

static void count(struct turn_clock *turn, uint64_t wall_us)
{
    for (unsigned i = 0; i < LOOP_BOUNDS && wall_us >= bounds_us[i]; i++)
        atomic_fetch_add_explicit(&turn->over[i], 1, memory_order_relaxed);
}

bool turn_end(struct turn_clock *turn, struct long_turn *found)
{
    uint64_t now_us = clock_mono_us(), began_us = turn->began_ms * 1000;
    uint64_t wall_us = turn->began_noted && now_us > began_us ? now_us - began_us : 0;
    uint64_t cpu_us = cpu_of_turn(turn, now_us, wall_us);
    const char *seen = atomic_load_explicit(&turn->seen, memory_order_relaxed);
    const char *doing = atomic_load_explicit(&turn->doing, memory_order_relaxed);
    turn->began_noted = false;
    raise_to(&turn->longest_us, wall_us);
    raise_to(&turn->longest_cpu_us, cpu_us);
    count(turn, wall_us);
    if (seen)
        atomic_store_explicit(&turn->seen, NULL, memory_order_relaxed);
    atomic_store_explicit(&turn->doing, NULL, memory_order_relaxed);
    uint64_t number = atomic_load_explicit(&turn->number, memory_order_relaxed);
    atomic_store_explicit(&turn->number, number + 1, memory_order_release);
    *found = (struct long_turn){wall_us / 1000, cpu_us / 1000, seen ? seen : doing};
    return wall_us >= LOOP_LONG_MS * 1000ULL;
}
