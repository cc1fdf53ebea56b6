/*
 * session_limits.h: limits on the number of concurrent sessions (Listener_Sessions, Service_Sessions,
 * max_connections). Used by the SMTP server.
 *
 * A session is subject to two sorts of limit: that of the most specific Peer that sets one, and that of the
 * scopes around the Peers (Via, Listen, listener, pathway), which caps the total of all Peers. What each
 * option counts:
 *
 *   Listener_Sessions in a Peer   the sessions of that block at the listener, or Listen, that contains it
 *   Listener_Sessions elsewhere   the sessions that take their limit from that scope; in a pathway, the
 *                                 sessions of each listener are counted separately
 *   Service_Sessions in a Peer    the sessions of that block, at all listeners
 *   Service_Sessions elsewhere    all SMTP sessions
 *   max_connections               the connections to one Listen
 *
 * The counters survive reloads: they are found under the identity of their scope. They are exact with any
 * number of loops: a slot is taken in one atomic step, only if there is room, without a lock. Source:
 * Momentum 4 manual, "Listener_Sessions", "Service_Sessions".
 */
#ifndef IMPULSE_THROTTLE_SESSION_LIMITS_H
#define IMPULSE_THROTTLE_SESSION_LIMITS_H

#include <stdint.h>
#include "confparse/confparse.h"

struct session_budget; /* counts sessions; shared by all sessions with this limit */

enum session_limit_kind { /* the kind of limit that was reached; the server has a reply for each */
                          SESSION_LIMIT_NONE,
                          SESSION_LIMIT_SESSIONS,    /* Listener_Sessions, Service_Sessions */
                          SESSION_LIMIT_CONNECTIONS, /* max_connections */
};

struct session_limit {
    struct session_budget *budget; /* owns one reference */
    uint32_t most;                 /* sessions; 0: sessions are counted but not limited */
    enum session_limit_kind kind;
};

enum { SESSION_LIMITS_MAX = 5 };

struct session_limits {
    unsigned count;
    struct session_limit items[SESSION_LIMITS_MAX]; /* the narrowest first */
};

/*
 * Fills `limits` with the limits of a client whose configuration scopes are `chain`. `listener` and `listen`
 * are the Listener and Listen stanzas in that chain. Each item owns a reference to its budget; no slot is
 * taken yet. Earlier contents of `limits` are overwritten, not released. Main thread.
 */
void session_limits_resolve(struct session_limits *limits, const struct conf_chain *chain,
                            const struct conf_scope *listener, const struct conf_scope *listen);
/*
 * Drops the references and empties `limits`. Called after all sessions that hold slots have returned them.
 * Any thread.
 */
void session_limits_release(struct session_limits *limits);

/*
 * Takes one slot of each budget in `limits`. A budget that also appears in `held` (may be NULL) already has
 * its slot and is not counted twice; slots of `held` that `limits` does not need are returned. Returns
 * SESSION_LIMIT_NONE on success. If a budget is full, returns its kind and changes nothing. Any thread; takes
 * no lock.
 */
enum session_limit_kind session_limits_take(const struct session_limits *limits,
                                            const struct session_limits *held);
/* Returns one slot to each budget. Any thread. */
void session_limits_give(const struct session_limits *limits);

/* Returns the number of sessions that hold a slot of `budget` now. Any thread. */
uint32_t session_budget_used(const struct session_budget *budget);

#endif
