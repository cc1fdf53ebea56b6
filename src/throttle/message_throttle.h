/*
 * message_throttle.h: inbound_throttle_messages: no more than N messages begin in any period of S seconds.
 * For src/smtp/server.
 *
 * A message asks when it may begin; the answer is a time that is its own, in the order of asking, so nobody
 * polls and nobody is overtaken. A throttle belongs to the scope that sets it, and all who fall back to that
 * scope share it (Momentum 4 manual, "Throttles and Fallback"). It is kept over reloads that leave its rate
 * as it is.
 */
#ifndef IMPULSE_THROTTLE_MESSAGE_THROTTLE_H
#define IMPULSE_THROTTLE_MESSAGE_THROTTLE_H

#include <stdbool.h>
#include <stdint.h>
#include "confparse/confparse.h"

struct message_throttle;

enum {
    THROTTLE_WAIT_MAX = 60
}; /* seconds that a client is kept waiting; RFC 5321 4.5.3.2 has it wait for 120 */

/* The throttle of the most specific scope of `chain` that sets one, with a reference; NULL: none. Main
 * thread. */
struct message_throttle *message_throttle_resolve(const struct conf_chain *chain);
void message_throttle_unref(struct message_throttle *throttle); /* any thread; NULL is harmless */

/*
 * When a message that comes at `now` (microseconds, monotonic) may begin: *when, at or after `now`. False:
 * not within THROTTLE_WAIT_MAX; it is not counted. Any thread; takes no lock.
 */
bool message_throttle_reserve(struct message_throttle *throttle, uint64_t now, uint64_t *when);

#endif
