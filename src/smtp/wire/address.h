/*
 * address.h: the syntax of the paths in MAIL and RCPT. RFC 5321 sections 4.1.2, 4.1.3 and 4.5.3.1; RFC 6531
 * section 3.3. Pure functions over counted bytes; nothing is copied. Any thread.
 */
#ifndef IMPULSE_SMTP_WIRE_ADDRESS_H
#define IMPULSE_SMTP_WIRE_ADDRESS_H

#include <stdbool.h>
#include "base/slice.h"

enum {
    ADDRESS_MAX = 254,   /* octets of a mailbox: a path of 256 (RFC 5321 4.5.3.1.3) without its <> */
    LOCAL_PART_MAX = 64, /* RFC 5321 4.5.3.1.1 */
    DOMAIN_MAX = 255,    /* RFC 5321 4.5.3.1.2 */
};

struct mail_path {
    struct slice mailbox; /* without <> and source route; empty for <> */
    struct slice domain;  /* the part after the last '@'; empty for <>, and when there is none */
    bool utf8;            /* the mailbox has characters beyond ASCII: SMTPUTF8 is needed */
};

struct address_rules {
    bool pedantic; /* rfc2821_pedantic_address_rules: no "a..b@" and "ab.@" */
    bool blanks;   /* allow_trailing_whitespace_in_commands: "< user@example.com >" */
};

enum address_fault { ADDRESS_OK, ADDRESS_SYNTAX, ADDRESS_TOO_LONG };

/*
 * Parses "<mailbox>" (a source route before it is skipped, RFC 5321 appendix C) or "<>" at the start of *rest
 * and moves *rest behind it. What passes is printable: no control characters, and UTF-8 where it is not
 * ASCII. Whether a path may be null, without a domain, a literal or beyond ASCII is for the caller to say. On
 * a fault *rest and *path mean nothing.
 */
enum address_fault address_parse_path(struct slice *rest, const struct address_rules *rules,
                                      struct mail_path *path);

/* Is `name` a Domain or an address literal of RFC 5321 4.1.2/4.1.3? Underscores are tolerated in labels;
 * labels beyond ASCII must be U-labels (RFC 5890). */
bool address_domain_valid(struct slice name);

/* Is this domain, which is valid, an IP address: "[192.0.2.1]", "[IPv6:2001:db8::1]", or "192.0.2.1"? */
bool address_is_ip(struct slice domain);

#endif
