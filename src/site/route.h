/*
 * route: what the options gateway and routes may say. Pure functions; any thread.
 *
 *   10.0.0.1   10.0.0.1:26   [fe80::a00]:1   smart.host   smart.host:26
 * smtp://host:port?pref=P&port=O&type=mx
 *   __mx__ (the mail exchanges of the recipient's domain)   /path, lmtp:///path (a Unix socket)
 *
 * Source: Momentum 4 manual, gateway, routes; the Unix socket is an addition.
 */
#ifndef IMPULSE_SITE_ROUTE_H
#define IMPULSE_SITE_ROUTE_H

#include <stdbool.h>
#include <stddef.h>
#include "net/addr.h"

enum { ROUTE_HOST_SIZE = 256 };

struct route {
    enum {
        ROUTE_MX_OF_DOMAIN, /* __mx__ */
        ROUTE_ADDRESS,      /* address */
        ROUTE_HOST,         /* host, by its A and AAAA records */
        ROUTE_HOST_MX,      /* host, by its MX records (type=mx) */
        ROUTE_UNIX,         /* host is a path */
    } kind;
    struct net_addr address;    /* without port */
    char host[ROUTE_HOST_SIZE]; /* NUL-terminated */
    uint16_t port;              /* 0: remote_smtp_port or lmtp_port */
    bool has_preference;
    unsigned preference; /* the lower is tried first */
    unsigned ttl;        /* seconds; 0: not given. What DNS says is kept by the resolver. */
};

/* False with one line in error[], saying what is wrong with `text`. */
bool route_parse(const char *text, struct route *route, char *error, size_t error_size);

/*
 * Is `text` a next hop as gateway and routes write it (an address, a name, "smtp://host?port=O&pref=P",
 * "__mx__", a Unix socket's path)? On false, error[] is one line saying what was expected. Any thread.
 */
bool route_check(const char *text, char *error, size_t error_size);

#endif
