/*
 * histogram: see histogram.h.
 *
 * Values below 2^(BITS + 1) are their own buckets. Above, a value with its highest bit at BITS + shift is
 * shifted right by `shift`, which leaves BITS + 1 bits, the first of them 1: a bucket of the shift-th octave.
 */
#include "tools/load/histogram.h"

#include <math.h>
#include <stddef.h>

#define LARGEST ((UINT64_C(1) << (HISTOGRAM_BITS + HISTOGRAM_OCTAVES)) - 1)

static unsigned bucket_of(uint64_t value)
{
    if (value < UINT64_C(2) << HISTOGRAM_BITS)
        return (unsigned)value;
    unsigned shift = 63u - (unsigned)__builtin_clzll(value) - HISTOGRAM_BITS;
    return (shift << HISTOGRAM_BITS) + (unsigned)(value >> shift);
}

/* The greatest value of a bucket. */
static uint64_t bucket_end(unsigned bucket)
{
    if (bucket < 2u << HISTOGRAM_BITS)
        return bucket;
    unsigned shift = (bucket >> HISTOGRAM_BITS) - 1;
    uint64_t first = bucket - (shift << HISTOGRAM_BITS);
    return ((first + 1) << shift) - 1;
}

void histogram_add(struct histogram *histogram, uint64_t value)
{
    if (value > LARGEST)
        value = LARGEST;
    if (histogram->count == 0 || value < histogram->least)
        histogram->least = value;
    if (value > histogram->most)
        histogram->most = value;
    histogram->count++;
    histogram->sum += value;
    histogram->buckets[bucket_of(value)]++;
}

void histogram_merge(struct histogram *histogram, const struct histogram *other)
{
    if (other->count == 0)
        return;
    if (histogram->count == 0 || other->least < histogram->least)
        histogram->least = other->least;
    if (other->most > histogram->most)
        histogram->most = other->most;
    histogram->count += other->count;
    histogram->sum += other->sum;
    for (size_t i = 0; i < HISTOGRAM_BUCKETS; i++)
        histogram->buckets[i] += other->buckets[i];
}

uint64_t histogram_percentile(const struct histogram *histogram, double percent)
{
    /* A product that would be whole but for rounding is. */
    uint64_t wanted = (uint64_t)ceil(percent * (double)histogram->count / 100 * (1 - 1e-12)), seen = 0;
    if (wanted == 0)
        return histogram->least;
    for (unsigned i = 0; i < HISTOGRAM_BUCKETS; i++) {
        seen += histogram->buckets[i];
        if (seen >= wanted) {
            uint64_t end = bucket_end(i);
            return end < histogram->most ? end : histogram->most;
        }
    }
    return histogram->most;
}

double histogram_mean(const struct histogram *histogram)
{
    return histogram->count ? (double)histogram->sum / (double)histogram->count : 0;
}
