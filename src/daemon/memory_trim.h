/*
 * memory_trim: gives memory back to the system after many messages or large ones have left it.
 */
#ifndef IMPULSE_DAEMON_MEMORY_TRIM_H
#define IMPULSE_DAEMON_MEMORY_TRIM_H

#include "event/pool.h"

/*
 * Called about once a second. When much less content is in memory than there was, has a thread of the pool IO return the
 * allocator's free pages, at most six times a minute. Main thread.
 */
void memory_trim_tick(struct pool_set *pools);

#endif
