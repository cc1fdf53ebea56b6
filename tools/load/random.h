/*
 * random: numbers that a seed and an index decide (splitmix64), so that a run can be repeated whichever
 * thread asks.
 */
#ifndef IMPULSE_TOOLS_LOAD_RANDOM_H
#define IMPULSE_TOOLS_LOAD_RANDOM_H

#include <stdint.h>

static inline uint64_t random_at(uint64_t seed, uint64_t index)
{
    uint64_t z = seed * UINT64_C(0xd1342543de82ef95) + (index + 1) * UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

/* From 0 to below 1. */
static inline double random_fraction(uint64_t seed, uint64_t index)
{
    return (double)(random_at(seed, index) >> 11) / 9007199254740992.0;
}

#endif
