/*
 * parallel: one function over the ranges of a large array, on every processor, while the caller waits.
 */
#ifndef IMPULSE_BASE_PARALLEL_H
#define IMPULSE_BASE_PARALLEL_H

#include <stddef.h>

/*
 * Calls `run` for ranges [first, end) that together cover [0, count) once; each has `range` elements, the last
 * one fewer. The calling thread takes part, and helpers named `name` (thread_start) are started for the other
 * processors that the process may use, at most 7. Where a helper cannot be started, the others do its share.
 * Returns when every range has been processed; what `run` has written is visible to the caller then. `run` is
 * called on several threads at once, in no particular order. `range` is not 0. Any thread that may block.
 */
void parallel_ranges(const char *name, size_t count, size_t range,
                     void (*run)(size_t first, size_t end, void *closure), void *closure);

#endif
