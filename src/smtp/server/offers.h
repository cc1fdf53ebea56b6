/*
 * offers.h: what EHLO says, and thereby which commands and parameters a session may use; private to src/smtp/server.
 */
#ifndef IMPULSE_SMTP_SERVER_OFFERS_H
#define IMPULSE_SMTP_SERVER_OFFERS_H

#include "smtp/server/session.h"

/*
 * The extensions (EXTENSION_*) that this session is offered at this moment: those of its policy, without the
 * ones that TLS makes possible or pointless. Cheap enough for every command.
 */
unsigned session_offers(const struct smtps_session *session);

/* The same for parameters of MAIL and RCPT: whoever did not say EHLO has none (RFC 5321 2.2.1). */
unsigned session_offers_parameters(const struct smtps_session *session);

/* Appends the offers to an answer to EHLO whose first line is there: "250-KEYWORD ..." each, "250 " the last.
 */
void offers_append(const struct smtps_session *session, struct buf *out);

#endif
