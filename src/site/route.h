/*
 * route.h: parses the values of the options gateway and routes. Pure functions; any thread.
 *
 *   10.0.0.1   10.0.0.1:26   [fe80::a00]:1   smart.host   smart.host:26
 *   smtp://host:port?pref=P&port=O&type=mx
 *   __mx__ (the mail exchangers of the recipient's domain)   /path, lmtp:///path (a Unix socket)
 *
 * Source: Momentum 4 manual, gateway, routes. The Unix socket is an extension.
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
        ROUTE_ADDRESS,      /* `address` */
        ROUTE_HOST,         /* `host`, by its A and AAAA records */
        ROUTE_HOST_MX,      /* `host`, by its MX records (type=mx) */
        ROUTE_UNIX,         /* `host` is the path of a Unix socket */
    } kind;
    struct net_addr address;    /* without port */
    char host[ROUTE_HOST_SIZE]; /* NUL-terminated */
    uint16_t port;              /* 0: remote_smtp_port or lmtp_port applies */
    bool has_preference;
    unsigned preference; /* lower values are tried first; only if has_preference */
    unsigned ttl; /* seconds; 0: not given. Not used: the resolver caches according to the TTLs in DNS. */
};

/*
 * Parses `text` into `*route`. On failure returns false and writes one line that says what is wrong to
 * error[], which has `error_size` bytes.
 */
bool route_parse(const char *text, struct route *route, char *error, size_t error_size);

/*
 * Returns whether `text` is a valid next hop for gateway and routes: an address, a host name,
 * "smtp://host?port=O&pref=P", "__mx__", or the path of a Unix socket. If not, writes one line that says what
 * was expected to error[], which has `error_size` bytes. Any thread.
 */
bool route_check(const char *text, char *error, size_t error_size);

#endif
