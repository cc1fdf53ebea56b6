/*
 * acceptors: threads of a pool accept from one listening socket, for the loops of a group. Private to
 * src/net.
 */
#ifndef IMPULSE_NET_ACCEPTORS_H
#define IMPULSE_NET_ACCEPTORS_H

#include "event/pool.h"
#include "net/connection_accept.h"

struct acceptors;

struct acceptors_settings {
    struct pool *pool;
    unsigned concurrency;   /* threads of it */
    unsigned queue_backlog; /* connections accepted and not yet taken by a loop, for each loop; 0: no limit */
    unsigned events_per_iter; /* of those, taken per turn of a loop; at least 1 */
};

/*
 * Begins on threads of the pool. `socket` is borrowed until acceptors_stop returns, `settings` are copied.
 * NULL when the pool cannot, which the paniclog then says. Main thread.
 */
struct acceptors *acceptors_start(struct listen_socket *socket, const struct acceptors_settings *settings);
/* Stops accepting, waits until the loops have taken what was accepted, and frees. Main thread. */
void acceptors_stop(struct acceptors *acceptors);

#endif
