/*
 * message_throttle.h: Inbound_Throttle_Messages: at most N messages begin in any period of S seconds. Used by
 * src/smtp/server.
 *
 * A session reserves a time at which its message may begin. Reservations are granted in the order of the
 * requests, so sessions do not poll and do not overtake each other. A throttle belongs to the scope that sets
 * the option; all clients that fall back to that scope share it (Momentum 4 manual, "Throttles and
 * Fallback"). It survives a reload that does not change its rate.
 */
#ifndef IMPULSE_THROTTLE_MESSAGE_THROTTLE_H
#define IMPULSE_THROTTLE_MESSAGE_THROTTLE_H

#include <stdbool.h>
#include <stdint.h>
#include "confparse/confparse.h"

struct message_throttle;

enum {
    THROTTLE_WAIT_MAX = 60
}; /* longest wait of a client in seconds; RFC 5321 4.5.3.2 has the client wait for 120 */

/*
 * Returns the throttle of the most specific scope in `chain` that sets one, with a reference that the caller
 * owns; NULL if no scope sets one, or if it sets no limit. Main thread.
 */
struct message_throttle *message_throttle_resolve(const struct conf_chain *chain);
void message_throttle_unref(
    struct message_throttle *throttle); /* drops a reference; any thread; NULL is allowed */

/*
 * Reserves the time at which a message that arrives at `now` may begin. Stores it in `*when`, which is not
 * earlier than `now`; both are microseconds of the monotonic clock. Returns false if the wait would exceed
 * THROTTLE_WAIT_MAX; the message must then be refused. Any thread; takes no lock.
 */
bool message_throttle_reserve(struct message_throttle *throttle, uint64_t now, uint64_t *when);

#endif
