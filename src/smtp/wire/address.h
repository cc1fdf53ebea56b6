/*
 * address.h: parses the paths of MAIL and RCPT. RFC 5321 sections 4.1.2, 4.1.3 and 4.5.3.1; RFC 6531 section
 * 3.3. Pure functions; the resulting slices point into the input. Any thread.
 */
#ifndef IMPULSE_SMTP_WIRE_ADDRESS_H
#define IMPULSE_SMTP_WIRE_ADDRESS_H

#include <stdbool.h>
#include "base/slice.h"

enum {
    ADDRESS_MAX = 254,   /* octets of a mailbox: a path of 256 (RFC 5321 4.5.3.1.3) without <> */
    LOCAL_PART_MAX = 64, /* RFC 5321 4.5.3.1.1 */
    DOMAIN_MAX = 255,    /* RFC 5321 4.5.3.1.2 */
};

struct mail_path {
    struct slice mailbox; /* without <> and source route; empty for <> */
    struct slice domain;  /* the part after the last '@'; empty for <> or if there is none */
    bool utf8;            /* the mailbox has non-ASCII characters, so it needs SMTPUTF8 */
};

struct address_rules {
    bool pedantic; /* rfc2821_pedantic_address_rules: rejects "a..b@" and "ab.@" */
    bool blanks;   /* allow_trailing_whitespace_in_commands: accepts "< user@example.com >" */
};

enum address_fault { ADDRESS_OK, ADDRESS_SYNTAX, ADDRESS_TOO_LONG };

/*
 * Parses "<mailbox>" or "<>" at the start of `*rest` and advances `*rest` past it. A source route before the
 * mailbox is skipped (RFC 5321 appendix C). An accepted path is printable: it contains no control characters,
 * and its non-ASCII characters are valid UTF-8. The caller checks whether the path may be null, lack a
 * domain, be an address literal, or contain non-ASCII characters. On a fault, `*rest` and `*path` must not be
 * used.
 */
enum address_fault address_parse_path(struct slice *rest, const struct address_rules *rules,
                                      struct mail_path *path);

/*
 * Returns whether `name` is a Domain or an address literal of RFC 5321 4.1.2 and 4.1.3. Underscores are
 * allowed in labels. Non-ASCII labels must be U-labels (RFC 5890).
 */
bool address_domain_valid(struct slice name);

/*
 * Returns whether `domain`, which must be valid, is an IP address: "[192.0.2.1]", "[IPv6:2001:db8::1]" or
 * "192.0.2.1".
 */
bool address_is_ip(struct slice domain);

#endif
