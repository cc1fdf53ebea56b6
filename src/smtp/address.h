/*
 * address.h: the syntax of MAIL and RCPT arguments. RFC 5321 sections 4.1.1.2, 4.1.1.3, 4.1.2 and 4.5.3.1.
 * Pure functions over counted bytes; nothing is copied. Any thread.
 */
#ifndef IMPULSE_SMTP_ADDRESS_H
#define IMPULSE_SMTP_ADDRESS_H

#include <stdbool.h>
#include "base/slice.h"

enum {
    ADDRESS_MAX = 254,   /* octets of a mailbox: a path of 256 (RFC 5321 4.5.3.1.3) without its <> */
    LOCAL_PART_MAX = 64, /* RFC 5321 4.5.3.1.1 */
    DOMAIN_MAX = 255,    /* RFC 5321 4.5.3.1.2 */
};

struct mail_path {
    struct slice mailbox; /* without <> and source route; empty for <> */
    struct slice domain;  /* the part after the last '@'; empty for <> and for a bare postmaster */
};

/*
 * Parses "<mailbox>" (a source route before it is skipped, RFC 5321 appendix C) at the start of *rest and
 * moves *rest behind it. An empty path is allowed only with `null_allowed`; without a domain only
 * <postmaster> is, and only with `postmaster_allowed`. False on a syntax error.
 */
bool address_parse_path(struct slice *rest, bool null_allowed, bool postmaster_allowed,
                        struct mail_path *path);

/* Is `name` a Domain or an address literal of RFC 5321 4.1.2/4.1.3? Underscores are tolerated in labels. */
bool address_domain_valid(struct slice name);

/* Splits the next "KEYWORD[=VALUE]" off *rest. 1: found; 0: the end; -1: a syntax error. */
int address_next_parameter(struct slice *rest, struct slice *keyword, struct slice *value);

#endif
