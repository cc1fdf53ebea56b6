/*
 * listener_private: what listener.c shares with the two ways of accepting. Private to src/net.
 */
#ifndef IMPULSE_NET_LISTENER_PRIVATE_H
#define IMPULSE_NET_LISTENER_PRIVATE_H

#include <stdatomic.h>
#include <sys/types.h>
#include "net/endpoint.h"
#include "net/listener.h"

enum { ACCEPT_PAUSE_MS = 100 }; /* after an error that the next accept would meet again */

struct listener {
    char *name; /* the Listen stanza's */
    struct endpoint endpoint;
    struct net_addr address; /* as bound */
    int fd;
    dev_t device; /* AF_UNIX: the file that this socket made */
    ino_t inode;
    bool wildcard; /* each connection has its own local address */
    bool no_delay;
    unsigned concurrency;
    struct pool *pool;
    unsigned accept_queue_backlog, events_per_iter;
    _Atomic uint64_t complained_ms; /* clock_mono_ms of the last line about accept() */

    /* Set while started. */
    struct loop_group *group;
    listener_accept_fn *accept;
    void *argument;
    struct pollers *pollers;     /* either the loops accept */
    struct acceptors *acceptors; /* or these threads do */
};

struct connection { /* accepted, not yet given to listener->accept */
    int fd;
    struct net_addr local, peer;
};

enum accept_outcome {
    ACCEPT_CONNECTION,
    ACCEPT_NOTHING, /* wait until the socket is readable */
    ACCEPT_FAILED,  /* the process lacks what it takes (and the paniclog has it): wait ACCEPT_PAUSE_MS */
};

/* Accepts one connection and sets its options. Any thread; never blocks. */
enum accept_outcome listener_accept(struct listener *listener, struct connection *connection);

/* pollers.c: every loop of the group polls the socket. */
struct pollers *pollers_start(struct listener *listener);
void pollers_stop(struct pollers *pollers); /* waits and frees */

/* acceptors.c: threads of the pool accept for the loops. */
struct acceptors *acceptors_start(struct listener *listener);
void acceptors_stop(struct acceptors *acceptors); /* waits and frees */

#endif
