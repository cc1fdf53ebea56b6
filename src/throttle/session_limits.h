/*
 * session_limits.h: how many sessions there may be at a time: Listener_Sessions, Service_Sessions and
 * max_connections. The SMTP server uses it.
 *
 * A session is held to the limit of the most specific Peer that sets one, and to that of the scopes around
 * the Peers (Via, Listen, listener, pathway), which is the ceiling of them all. What is counted:
 *
 *   Listener_Sessions in a Peer   the sessions of that block at the listener, or Listen, it stands in
 *   Listener_Sessions elsewhere   the sessions that have their limit from that scope; of a pathway, those of
 *                                 one listener
 *   Service_Sessions in a Peer    the sessions of that block, at every listener
 *   Service_Sessions elsewhere    all SMTP sessions
 *   max_connections               the connections to one Listen
 *
 * Counters are kept over reloads, under the identity of their scope. They are exact on any number of loops:
 * a slot is taken only where there is room, in one atomic step, and no lock. Source: Momentum 4 manual,
 * "Listener_Sessions", "Service_Sessions".
 */
#ifndef IMPULSE_THROTTLE_SESSION_LIMITS_H
#define IMPULSE_THROTTLE_SESSION_LIMITS_H

#include <stdint.h>
#include "confparse/confparse.h"

struct session_budget; /* a counter of sessions */

enum session_limit_kind { /* which kind of limit was met; the server has a reply for each */
                          SESSION_LIMIT_NONE,
                          SESSION_LIMIT_SESSIONS,    /* Listener_Sessions, Service_Sessions */
                          SESSION_LIMIT_CONNECTIONS, /* max_connections */
};

struct session_limit {
    struct session_budget *budget; /* one reference */
    uint32_t most;                 /* sessions; 0: they are counted, without a limit */
    enum session_limit_kind kind;
};

enum { SESSION_LIMITS_MAX = 5 };

struct session_limits {
    unsigned count;
    struct session_limit items[SESSION_LIMITS_MAX]; /* the narrowest first */
};

/* The limits of a client that `chain` is for. `listener` and `listen` are those of the chain. Main thread. */
void session_limits_resolve(struct session_limits *limits, const struct conf_chain *chain,
                            const struct conf_scope *listener, const struct conf_scope *listen);
/* After every session that holds slots has given them back. Any thread. */
void session_limits_release(struct session_limits *limits);

/*
 * Takes a slot of each budget, but for those that `held` (may be NULL) has one of already, and gives back
 * those of `held` that are needed no more. Returns SESSION_LIMIT_NONE, or the kind of the budget that is
 * full: then nothing has changed. Any thread.
 */
enum session_limit_kind session_limits_take(const struct session_limits *limits,
                                            const struct session_limits *held);
/* Gives all slots back. Any thread. */
void session_limits_give(const struct session_limits *limits);

/* Sessions that hold a slot of it now. Any thread. */
uint32_t session_budget_used(const struct session_budget *budget);

#endif
