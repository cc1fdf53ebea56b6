/*
 * connection_accept: one connection off a listening socket, for the two ways of accepting: the loops
 * (pollers.h) or threads of a pool (acceptors.h). Private to src/net.
 */
#ifndef IMPULSE_NET_CONNECTION_ACCEPT_H
#define IMPULSE_NET_CONNECTION_ACCEPT_H

#include "event/loop.h"
#include "log/paniclog.h"
#include "net/addr.h"

enum { ACCEPT_PAUSE_MS = 100 }; /* after an error that the next accept would meet again */

struct listen_socket { /* constant while anybody accepts, but for complaints */
    char *name;        /* the Listen stanza's; the listener frees it */
    int fd;
    struct net_addr address;  /* as bound */
    bool wildcard;            /* each connection has its own local address */
    bool no_delay;            /* TCP_NODELAY on each connection */
    struct loop_group *group; /* whose loops take the connections: */
    /* A listener_accept_fn (listener.h), and what it is called with. */
    void (*accept)(struct loop *loop, int fd, const struct net_addr *local, const struct net_addr *peer,
                   void *argument);
    void *argument;
    struct panic_rate complaints; /* lines about accept() */
};

struct connection { /* accepted, not yet given to listen_socket.accept */
    int fd;
    struct net_addr local, peer;
};

enum accept_outcome {
    ACCEPT_CONNECTION,
    ACCEPT_NOTHING, /* wait until the socket is readable */
    ACCEPT_FAILED,  /* the process lacks what it takes (and the paniclog has it): wait ACCEPT_PAUSE_MS */
};

/* Accepts one connection and sets its options. Any thread; never blocks. */
enum accept_outcome accept_connection(struct listen_socket *socket, struct connection *connection);

#endif
