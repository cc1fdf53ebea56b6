/*
 * address: IP addresses and blocks as the configuration writes them. An address is 16 bytes in network order,
 * IPv4 as ::ffff:a.b.c.d. Pure functions; any thread. See also conf_parse_cidr in confparse.h.
 */
#ifndef IMPULSE_CONFPARSE_ADDRESS_H
#define IMPULSE_CONFPARSE_ADDRESS_H

#include "confparse/confparse.h"
#include "confparse/text.h"

/* Is `text` an IPv4 or IPv6 literal? */
bool conf_parse_address(const char *text);

/* What is wrong with the name of a Listen ("10.0.0.1:25", "*:25", "[::1]:25", "/path"), or NULL. */
const char *conf_endpoint_problem(const char *name);

/* Is a stanza of this kind named by a block of addresses: Peer, Via? In any case. */
bool conf_kind_is_block(struct conf_text kind);

/* Clears the bits beyond the first `bits`, 0 to 128. */
void conf_keep_prefix(uint8_t address[16], unsigned bits);

enum { CONF_KEY_MAX = 64 }; /* enough for a block */

/* Writes a block as every spelling of it is compared, NUL-terminated. False when `name` is no block. */
bool conf_block_key(const char *name, char key[CONF_KEY_MAX]);

#endif
