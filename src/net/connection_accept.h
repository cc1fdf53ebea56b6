/*
 * connection_accept.h: accepts one connection from a listening socket, for both ways of accepting: on the
 * loops (pollers.h) and on threads of a pool (acceptors.h). Private to src/net, but for the counter.
 */
#ifndef IMPULSE_NET_CONNECTION_ACCEPT_H
#define IMPULSE_NET_CONNECTION_ACCEPT_H

#include "event/loop.h"
#include "log/paniclog.h"
#include "net/addr.h"

enum { ACCEPT_PAUSE_MS = 100 }; /* pause after an error that the next accept would cause again */

struct listen_socket { /* constant while connections are accepted, except for complaints */
    char *name;        /* name of the Listen stanza; the listener frees it */
    int fd;
    struct net_addr address;  /* address to which it is bound */
    bool wildcard;            /* each connection has its own local address */
    bool no_delay;            /* sets TCP_NODELAY on each connection */
    struct loop_group *group; /* its loops take the connections */
    /* A listener_accept_fn (listener.h) and its argument. */
    void (*accept)(struct loop *loop, int fd, const struct net_addr *local, const struct net_addr *peer,
                   void *argument);
    void *argument;
    struct panic_rate complaints; /* limits lines about accept() */
};

struct connection { /* accepted, not yet passed to listen_socket.accept */
    int fd;
    struct net_addr local, peer;
};

enum accept_outcome {
    ACCEPT_CONNECTION,
    ACCEPT_NOTHING, /* wait until the socket is readable */
    ACCEPT_FAILED,  /* the process lacks a resource; the paniclog has it: wait ACCEPT_PAUSE_MS */
};

/*
 * Accepts one connection and sets its options; on ACCEPT_CONNECTION the caller owns connection->fd. Any
 * thread; never blocks.
 */
enum accept_outcome accept_connection(struct listen_socket *socket, struct connection *connection);

/* How often accept has failed because the process lacked a resource. Any thread. */
uint64_t connection_accept_failures(void);

#endif
