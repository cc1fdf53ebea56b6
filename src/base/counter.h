/*
 * counter: a number that one thread changes and any thread reads. Costs what a plain integer costs.
 */
#ifndef IMPULSE_BASE_COUNTER_H
#define IMPULSE_BASE_COUNTER_H

#include <stdatomic.h>
#include <stdint.h>

struct counter { /* zero-initialised: 0 */
    _Atomic uint64_t value;
};

/* The owning thread only. */
static inline void counter_add(struct counter *counter, uint64_t number)
{
    uint64_t value = atomic_load_explicit(&counter->value, memory_order_relaxed);
    atomic_store_explicit(&counter->value, value + number, memory_order_relaxed);
}

static inline void counter_subtract(struct counter *counter, uint64_t number)
{
    counter_add(counter, -number);
}

/* Any thread. */
static inline uint64_t counter_read(const struct counter *counter)
{
    return atomic_load_explicit(&counter->value, memory_order_relaxed);
}

#endif
