/*
 * metric_bench: what counting costs.
 *
 *   metric_bench [THREADS [MILLIONS]]
 *
 * Each thread adds to one counter, then observes in one histogram of ten buckets, so many million times, all
 * at once. Prints one line of nanoseconds: they should not grow with the number of threads while there are
 * cores.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include "base/clock.h"
#include "metrics/metric.h"

enum { MOST_THREADS = 256 };

static uint64_t rounds;
static struct metric *counter, *histogram;

static void *add(void *unused)
{
    for (uint64_t i = 0; i < rounds; i++)
        metric_add(counter, 1);
    return unused;
}

static void *observe(void *unused)
{
    for (uint64_t i = 0; i < rounds; i++)
        metric_observe(histogram, (double)(i & 1023));
    return unused;
}

/* Nanoseconds of one call. */
static double measure(unsigned threads, void *(*run)(void *unused))
{
    pthread_t ids[MOST_THREADS];
    uint64_t began = clock_mono_us();
    for (unsigned i = 0; i < threads; i++)
        if (pthread_create(&ids[i], NULL, run, NULL) != 0)
            abort();
    for (unsigned i = 0; i < threads; i++)
        pthread_join(ids[i], NULL);
    return (double)(clock_mono_us() - began) * 1000 / (double)rounds;
}

int main(int argc, char **argv)
{
    static const double bounds[] = {1, 2, 4, 8, 16, 32, 64, 128, 256, 512};
    unsigned threads = argc > 1 ? (unsigned)atoi(argv[1]) : 2;
    rounds = (argc > 2 ? (uint64_t)atoi(argv[2]) : 20) * 1000000;
    if (threads < 1 || threads > MOST_THREADS || rounds < 1 || rounds > 1000000000)
        return fprintf(stderr, "usage: metric_bench [THREADS [MILLIONS]]\n"), 2;
    counter = metric_core(&(struct metric_definition){.name = "bench_total"});
    histogram = metric_core(&(struct metric_definition){
        .kind = METRIC_HISTOGRAM, .name = "bench", .bounds = bounds, .bound_count = 10});
    double adding = measure(threads, add), observing = measure(threads, observe);
    if (metric_count(counter) != threads * rounds)
        return fprintf(stderr, "metric_bench: counted wrong\n"), 1;
    printf("%u threads: add %.1f ns, observe %.1f ns\n", threads, adding, observing);
    return 0;
}
