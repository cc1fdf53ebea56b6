/*
 * parallel: see parallel.h. Threads take the next range from a counter, so that a slow one does not keep the
 * others waiting.
 */
#include "base/parallel.h"

#include <sched.h>
#include <stdatomic.h>
#include "base/thread.h"

enum { MOST_HELPERS = 7 };

struct parallel_work {
    size_t count, range;
    void (*run)(size_t first, size_t end, void *closure);
    void *closure;
    _Atomic size_t next; /* number of ranges that have been taken */
};

static void *work_on(void *argument)
{
    struct parallel_work *work = argument;
    size_t ranges = work->count / work->range + (work->count % work->range != 0);
    for (size_t taken; (taken = atomic_fetch_add_explicit(&work->next, 1, memory_order_relaxed)) < ranges;) {
        size_t first = taken * work->range;
        size_t left = work->count - first;
        work->run(first, first + (left < work->range ? left : work->range), work->closure);
    }
    return NULL;
}

/* Number of helpers that have a processor and at least one range each. */
static size_t useful_helpers(const struct parallel_work *work)
{
    cpu_set_t processors;
    size_t helpers = work->count ? (work->count - 1) / work->range : 0;
    int usable = sched_getaffinity(0, sizeof processors, &processors) == 0 ? CPU_COUNT(&processors) : 1;
    if (helpers > (size_t)usable - 1)
        helpers = (size_t)usable - 1;
    return helpers < MOST_HELPERS ? helpers : MOST_HELPERS;
}

void parallel_ranges(const char *name, size_t count, size_t range,
                     void (*run)(size_t first, size_t end, void *closure), void *closure)
{
    struct parallel_work work = {.count = count, .range = range, .run = run, .closure = closure};
    pthread_t helpers[MOST_HELPERS];
    size_t wanted = useful_helpers(&work), started = 0;
    while (started < wanted && thread_start(&helpers[started], name, 0, work_on, &work) == 0)
        started++;
    work_on(&work);
    while (started > 0)
        pthread_join(helpers[--started], NULL);
}
