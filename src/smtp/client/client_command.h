/*
 * client_command: MAIL and RCPT as a next hop gets them, with the parameters that it offered to take. Pure
 * functions; any thread.
 *
 * What came with a message goes out with it: SIZE (RFC 1870), BODY (RFC 6152, 3030), SMTPUTF8 (RFC 6531),
 * RET, ENVID, NOTIFY and ORCPT (RFC 3461). AUTH= does not: it is for servers that we authenticated to (RFC
 * 4954 section 5), and we do not.
 */
#ifndef IMPULSE_SMTP_CLIENT_CLIENT_COMMAND_H
#define IMPULSE_SMTP_CLIENT_CLIENT_COMMAND_H

#include "base/buf.h"
#include "smtp/client/client_offers.h"
#include "message/envelope.h"

/* `international`: a recipient of the transaction has an address that is not ASCII. */
void command_write_mail(const struct envelope *envelope, const struct offers *offers, bool international,
                        struct buf *out);
void command_write_rcpt(const struct envelope *envelope, const struct offers *offers, struct buf *out);

#endif
