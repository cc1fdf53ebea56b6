/*
 * connect: sockets that we connect, without waiting.
 */
#ifndef IMPULSE_NET_CONNECT_H
#define IMPULSE_NET_CONNECT_H

#include "net/addr.h"

/*
 * A non-blocking socket on its way to an IPv4 or IPv6 address; for stream_connect. `source` is the address to
 * connect from; NULL: the kernel's choice. TCP_NODELAY is set: who writes decides what is sent together.
 * Returns a descriptor, or a negative errno; -EADDRNOTAVAIL: `source` is no address of this machine, or of
 * the other family; -EADDRINUSE: no port is free for this address; -EMFILE: those that are free are kept (base/descriptors.h).
 */
int connect_begin(const struct net_addr *address, const char *source);
/* The same for a Unix stream socket; -ENAMETOOLONG: the path is longer than the system takes. */
int connect_begin_unix(const char *path);

#endif
