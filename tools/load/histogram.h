/*
 * histogram: how long things took, in buckets whose width grows with the value (log-linear, as in
 * HdrHistogram): each power of two is divided into 128 equal buckets.
 *
 * A percentile is never less than the true value, and at most 1/128 (0.8%) greater; below 256 it is exact. A
 * histogram is a fixed array, however many values it counts. Not thread-safe: each thread has its own, and
 * they are added up at the end.
 */
#ifndef IMPULSE_TOOLS_LOAD_HISTOGRAM_H
#define IMPULSE_TOOLS_LOAD_HISTOGRAM_H

#include <stdint.h>

enum {
    HISTOGRAM_BITS = 7,     /* 128 buckets in each power of two */
    HISTOGRAM_OCTAVES = 33, /* values up to 2^40 - 1; in microseconds: 12 days */
    HISTOGRAM_BUCKETS = (HISTOGRAM_OCTAVES + 1) << HISTOGRAM_BITS
};

struct histogram { /* zero-initialised: empty */
    uint64_t count, sum, least, most;
    uint64_t buckets[HISTOGRAM_BUCKETS];
};

/* Counts a value; one that is too large for the array is counted as the largest one that fits. */
void histogram_add(struct histogram *histogram, uint64_t value);
/* Adds what `other` has counted. */
void histogram_merge(struct histogram *histogram, const struct histogram *other);
/*
 * Returns the value that `percent` (0 to 100) of all values do not exceed: exact for 0 (the least) and 100 (the most),
 * otherwise as exact as the buckets. Returns 0 if nothing was counted.
 */
uint64_t histogram_percentile(const struct histogram *histogram, double percent);
double histogram_mean(const struct histogram *histogram);

#endif
