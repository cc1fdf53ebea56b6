/*
 * client_command.h: writes MAIL and RCPT for a next hop, with the parameters that the hop supports. Pure
 * functions; any thread.
 *
 * The parameters that arrived with a message are passed on: SIZE (RFC 1870), BODY (RFC 6152, 3030), SMTPUTF8
 * (RFC 6531), RET, ENVID, NOTIFY and ORCPT (RFC 3461). AUTH= is not: it may only be sent to servers that the
 * client authenticated to (RFC 4954 section 5), and this client does not authenticate.
 */
#ifndef IMPULSE_SMTP_CLIENT_CLIENT_COMMAND_H
#define IMPULSE_SMTP_CLIENT_CLIENT_COMMAND_H

#include "base/buf.h"
#include "smtp/client/client_offers.h"
#include "message/envelope.h"

struct mail_facts {
    const struct envelope *envelope; /* one of the transaction */
    uint64_t size;                   /* of the content that is sent */
    bool eight_bit;                  /* that content has a byte above 127 */
    bool utf8; /* the message is an internationalized one, or some recipient has a non-ASCII address */
};
/* Append the command line to `out`. */
void command_write_mail(const struct mail_facts *facts, const struct offers *offers, struct buf *out);
void command_write_rcpt(const struct envelope *envelope, const struct offers *offers, struct buf *out);

#endif
