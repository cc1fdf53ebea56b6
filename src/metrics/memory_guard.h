/*
 * memory_guard: keeps the daemon from using up the machine's memory (Momentum 4 manual, memory_hwm and memory_goal).
 *
 * Above memory_hwm percent new mail is refused with 452 4.3.1, until less than memory_goal percent is in use. Above
 * memory_goal nothing is kept in memory that can be read from the spool again. The paniclog has a line when refusing
 * begins and when it ends, and there are metrics:
 *
 *     impulse_memory_used_bytes   impulse_memory_limit_bytes   impulse_memory_refusing   impulse_memory_refused_total
 */
#ifndef IMPULSE_METRICS_MEMORY_GUARD_H
#define IMPULSE_METRICS_MEMORY_GUARD_H

#include <stdbool.h>
#include <stdint.h>

/* Sets both marks in percent of the memory that there is (machine_memory.h); 0: no such mark. Main thread. */
void memory_guard_set(unsigned high_water, unsigned goal);
/* Registers the metrics. Main thread; harmless when called again. */
void memory_guard_register(void);
/*
 * Measures, and begins or ends refusing. Reads a few files of /proc and /sys: to be called about once a second. Main
 * thread.
 */
void memory_guard_look(void);
/* Begins refusing though the high water mark is not reached; it ends below the goal. Main thread. */
void memory_guard_refuse(void);

/* Whether another `bytes` fit below the goal, as of the last look. Without both marks always. Main thread. */
bool memory_guard_has_room(uint64_t bytes);

/* As of the last look; one load each. Any thread. */
bool memory_guard_is_refusing(void);
bool memory_guard_is_above_goal(void);
/* Whether new mail is to be refused; counts a refusal if it is. Any thread. */
bool memory_guard_refuses(void);
/* Bytes of the smallest limit of memory that applies to the process; 0: not known. Any thread; measures. */
uint64_t memory_guard_limit(void);

#endif
