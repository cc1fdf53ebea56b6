/*
 * parameter.h: the parameters of MAIL and RCPT, each a row of a table: SIZE (RFC 1870), BODY (RFC 6152, RFC
 * 3030), SMTPUTF8 (RFC 6531), RET, ENVID, NOTIFY, ORCPT (RFC 3461), AUTH (RFC 4954), REQUIRETLS (RFC 8689).
 * Pure functions; any thread.
 */
#ifndef IMPULSE_SMTP_SERVER_PARAMETER_H
#define IMPULSE_SMTP_SERVER_PARAMETER_H

#include <stdbool.h>
#include "base/slice.h"
#include "smtp/server/reply.h"

struct parameters { /* of one command; slices point into its line */
    uint64_t size;  /* SIZE=, bytes; 0: not declared */
    uint32_t flags; /* ENVELOPE_* (message/envelope.h) */
    /* As given, valid xtext; empty: not given. */
    struct slice envid; /* at most 100 bytes */
    struct slice orcpt; /* ADDRESS-TYPE;XTEXT, at most 500 bytes */
    struct slice auth;  /* a mailbox in xtext, or "<>" */
};

/*
 * Parses what follows the path of MAIL (RCPT): " KEYWORD[=VALUE] ..." to its end. `offered`: EXTENSION_*
 * (extension.h); a parameter of another extension is unknown. NULL, or the refusal; the parameters mean
 * nothing then. For RCPT, EXTENSION_SMTPUTF8 says that MAIL asked for it.
 */
const struct smtps_reply *parameters_parse_mail(struct slice rest, unsigned offered,
                                                struct parameters *parameters);
const struct smtps_reply *parameters_parse_rcpt(struct slice rest, unsigned offered,
                                                struct parameters *parameters);

#endif
