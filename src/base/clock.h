/*
 * clock: the two clocks of the daemon. Any thread; no errors.
 */
#ifndef IMPULSE_BASE_CLOCK_H
#define IMPULSE_BASE_CLOCK_H

#include <stddef.h>
#include <stdint.h>

/* Microseconds since 1970-01-01 UTC. It may jump; use it for what is written down, not for waiting. */
uint64_t clock_wall_us(void);

/* Milliseconds that only grow; use it for timeouts. Not comparable across processes. */
uint64_t clock_mono_ms(void);

/* The same clock in microseconds, for measuring how long something takes. */
uint64_t clock_mono_us(void);

/*
 * Writes the date-time of RFC 5322 section 3.3 ("Sat, 21 Nov 2026 19:40:06 +0000", local zone) for `wall_us`
 * into text[size] (32 bytes suffice) and returns its length. The local zone does not change while the daemon runs: a
 * second that this thread has just written is not converted again.
 */
size_t clock_rfc5322(uint64_t wall_us, char *text, size_t size);

#endif
