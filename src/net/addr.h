/*
 * addr: an IPv4, IPv6 or Unix-socket address in one small struct. Pure functions; any thread.
 */
#ifndef IMPULSE_NET_ADDR_H
#define IMPULSE_NET_ADDR_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/un.h>
#include "base/slice.h"

struct net_addr {
    sa_family_t family; /* AF_INET, AF_INET6, AF_UNIX; AF_UNSPEC: none */
    uint16_t port;      /* host order; 0 for AF_UNIX */
    uint32_t scope_id;  /* AF_INET6 link-local */
    uint8_t bytes[16];  /* network order; AF_INET uses the first 4 */
};

enum { NET_ADDR_TEXT_SIZE = 64 };

/* From a socket address. An IPv4-mapped IPv6 address becomes AF_INET. A Unix address keeps only its family.
 */
void net_addr_from_sockaddr(struct net_addr *addr, const struct sockaddr *sa);
/* Fills *sa and returns its length for bind/connect. Not for AF_UNIX. */
socklen_t net_addr_to_sockaddr(const struct net_addr *addr, struct sockaddr_storage *sa);
/* Parses "10.0.0.1" or "::1" or "[::1]", no port. False if it is not an address literal. */
bool net_addr_parse(struct net_addr *addr, const char *text);
/* The same of a slice: false if there is a NUL in it, too. */
bool net_addr_parse_slice(struct net_addr *addr, struct slice text);
/*
 * Parses what stands in the brackets of an address literal: "192.0.2.1", or "IPv6:2001:db8::1", where the tag
 * may be in any case. Source: RFC 5321 section 4.1.3.
 */
bool net_addr_parse_tagged(struct net_addr *addr, struct slice text);
/* Parses an address literal, "[192.0.2.1]" or "[IPv6:2001:db8::1]". */
bool net_addr_parse_literal(struct net_addr *addr, struct slice text);
/* "10.0.0.1" / "::1"; "unix" for AF_UNIX, "" for none. Returns text. */
const char *net_addr_format(const struct net_addr *addr, char text[static NET_ADDR_TEXT_SIZE]);
/* "10.0.0.1:25" / "[::1]:25". Returns text. */
const char *net_addr_format_port(const struct net_addr *addr, char text[static NET_ADDR_TEXT_SIZE]);
/* An IPv4-mapped IPv6 address becomes AF_INET; others stay as they are. */
void net_addr_unmap(struct net_addr *addr);
/* Address (not port) as 16 bytes, IPv4 as ::ffff:a.b.c.d. */
void net_addr_mapped(const struct net_addr *addr, uint8_t mapped[16]);
bool net_addr_equal(const struct net_addr *a, const struct net_addr *b); /* address and port */

#endif
