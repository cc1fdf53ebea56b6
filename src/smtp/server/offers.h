/*
 * offers.h: the extensions in the reply to EHLO, which determine the commands and parameters that a session
 * may use; private to src/smtp/server. On the session's loop thread.
 */
#ifndef IMPULSE_SMTP_SERVER_OFFERS_H
#define IMPULSE_SMTP_SERVER_OFFERS_H

#include "smtp/server/parameter.h"
#include "smtp/server/session.h"

/*
 * Returns the extensions (EXTENSION_*) that the session offers now: those of its policy, without those that
 * require TLS, are redundant under TLS, or have no usable mechanism. Cheap enough to call for each command.
 */
unsigned session_offers(const struct smtps_session *session);

/*
 * Returns the extensions whose parameters MAIL and RCPT may use: without EHLO there are none (RFC 5321
 * 2.2.1).
 */
unsigned session_offers_parameters(const struct smtps_session *session);
/* Returns the parameters of modules that MAIL and RCPT may use; without EHLO there are none. */
struct parameter_source session_parameter_source(struct smtps_session *session);

/*
 * Appends the offers to the reply to EHLO, whose first line the caller has written: "250-KEYWORD ..." for
 * each, "250 " for the last.
 */
void offers_append(const struct smtps_session *session, struct buf *out);

#endif
