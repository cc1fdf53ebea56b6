/*
 * cidr: a table from address blocks to values, asked for the longest matching prefix. IPv4 and IPv6 together.
 *
 * Built on one thread, then read by any number of threads. A lookup is a walk of at most 128 bits, in practice a
 * few dozen steps; it allocates nothing.
 */
#ifndef IMPULSE_NET_CIDR_H
#define IMPULSE_NET_CIDR_H

#include <stdbool.h>
#include <stdint.h>

struct cidr_table;

struct cidr_table *cidr_table_create(void);
void cidr_table_free(struct cidr_table *table); /* the values are the caller's */
/* Parses "10.0.0.0/8", "10.0.0.1", "fd00::/8" (bits beyond the prefix are ignored). False if it is not a block. */
bool cidr_parse(const char *text, uint8_t address[16], unsigned *bits);
/* `address`: 16 bytes, IPv4 mapped; bits 0 to 128. A later value for the same block replaces the earlier; NULL takes
 * it away. "::/0" holds every address, IPv4 as well; "0.0.0.0/0" is ::ffff:0:0/96. */
void cidr_table_set(struct cidr_table *table, const uint8_t address[16], unsigned bits, void *value);
/* The value of the longest block that holds `address`, or NULL. */
void *cidr_table_find(const struct cidr_table *table, const uint8_t address[16]);

#endif
