/*
 * listener_private: the inside of a listener, for listener.c and its tests.
 */
#ifndef IMPULSE_NET_LISTENER_PRIVATE_H
#define IMPULSE_NET_LISTENER_PRIVATE_H

#include <sys/types.h>
#include "net/acceptors.h"
#include "net/endpoint.h"
#include "net/listener.h"
#include "net/pollers.h"

struct listener {
    struct endpoint endpoint;
    struct listen_socket socket;
    dev_t device; /* AF_UNIX: the file that this socket made */
    ino_t inode;
    struct listener_settings asked;     /* endpoint: socket.name */
    struct acceptors_settings settings; /* concurrency 0: the loops accept */
    /* Set while started: */
    struct pollers *pollers;     /* either the loops accept */
    struct acceptors *acceptors; /* or these threads do */
};

#endif
