/*
 * parameter.h: parses the parameters of MAIL and RCPT, each a row of a table: SIZE (RFC 1870), BODY (RFC
 * 6152, RFC 3030), SMTPUTF8 (RFC 6531), RET, ENVID, NOTIFY, ORCPT (RFC 3461), AUTH (RFC 4954), REQUIRETLS
 * (RFC 8689). Pure functions; any thread.
 */
#ifndef IMPULSE_SMTP_SERVER_PARAMETER_H
#define IMPULSE_SMTP_SERVER_PARAMETER_H

#include <stdbool.h>
#include "base/slice.h"
#include "smtp/server/reply.h"

struct parameters { /* parameters of one command; the slices point into its line */
    uint64_t size;  /* SIZE=, bytes; 0: not declared */
    uint32_t flags; /* ENVELOPE_* (message/envelope.h) */
    /* as given, valid xtext; empty if not given */
    struct slice envid; /* at most 100 bytes */
    struct slice orcpt; /* ADDRESS-TYPE;XTEXT, at most 500 bytes */
    struct slice auth;  /* a mailbox in xtext, or "<>" */
};

/*
 * Parse " KEYWORD[=VALUE] ...", the text after the path of MAIL or RCPT. `offered` is a set of EXTENSION_*
 * bits (extension.h); a parameter of an extension that is not in it is unknown. For RCPT, EXTENSION_SMTPUTF8
 * means that MAIL requested SMTPUTF8. Return NULL, or the reply that rejects the command; `*parameters` is
 * then undefined.
 */
const struct smtps_reply *parameters_parse_mail(struct slice rest, unsigned offered,
                                                struct parameters *parameters);
const struct smtps_reply *parameters_parse_rcpt(struct slice rest, unsigned offered,
                                                struct parameters *parameters);

#endif
