/*
 * proxy_header: what a proxy says of the connection that it passes on: the PROXY protocol, version 1 (a line
 * of text) and version 2 (binary). A pure parser, without I/O; any thread.
 *
 * Source: "The PROXY protocol, versions 1 & 2" (HAProxy's proxy-protocol.txt), sections 2.1 and 2.2; Momentum
 * 4 manual, "Proxy_Protocol".
 */
#ifndef IMPULSE_NET_PROXY_HEADER_H
#define IMPULSE_NET_PROXY_HEADER_H

#include <stddef.h>
#include "net/addr.h"

enum proxy_status {
    PROXY_MORE,      /* what there is may be the beginning of a header */
    PROXY_DONE,      /* the header has the addresses of the connection */
    PROXY_WITHOUT,   /* a header without: LOCAL, UNKNOWN, or of a family that is neither IPv4 nor IPv6 */
    PROXY_MALFORMED, /* no header */
};

struct proxy_header {
    struct net_addr client; /* who connected to the proxy; AF_UNSPEC but for PROXY_DONE */
    struct net_addr server; /* where to */
    size_t size;            /* bytes of the header, for PROXY_DONE and PROXY_WITHOUT */
};

enum {
    PROXY_HEADER_MAX = 4096 /* bytes of a header, with the fields after the addresses; more is malformed */
};

/* Reads a header off the first `size` bytes of a connection. */
enum proxy_status proxy_header_parse(const char *data, size_t size, struct proxy_header *header);

#endif
