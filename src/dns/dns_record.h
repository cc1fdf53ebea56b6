/*
 * dns_record: names and records of DNS in wire format. Pure functions; any thread.
 */
#ifndef IMPULSE_DNS_DNS_RECORD_H
#define IMPULSE_DNS_DNS_RECORD_H

#include <stdbool.h>
#include "base/slice.h"

enum { DNS_NAME_SIZE = 256 };

/*
 * Is it a name that can be asked for (RFC 1035 section 2.3.4): labels of 1 to 63 bytes, 253 in all, with or
 * without a final dot; no blanks, control characters or bytes beyond ASCII, and no backslash, which would be
 * an escape? "." is the root.
 */
bool dns_name_valid(const char *name);
/* A domain name in wire format as text without final dot ("" for the root). False if it is malformed. */
bool dns_name_text(struct slice wire, char text[static DNS_NAME_SIZE]);
/*
 * The character strings of a TXT record (RFC 1035 section 3.3.14), joined without anything between them: the
 * form in which SPF and DKIM have them. Copies at most `size` bytes, returns how many there are; -1: it is
 * malformed.
 */
long dns_text_join(struct slice rdata, char *text, size_t size);

enum { DNS_REVERSE_SIZE = 80 };
/* The name of an address's PTR records (RFC 1035 section 3.5, RFC 3596 section 2.5); IPv4 is ::ffff:a.b.c.d.
 */
void dns_reverse_name(const unsigned char address[static 16], char name[static DNS_REVERSE_SIZE]);

#endif
