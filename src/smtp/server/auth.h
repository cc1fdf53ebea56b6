/*
 * auth.h: what a session may because of who it is; private to src/smtp/server. The session's loop thread.
 */
#ifndef IMPULSE_SMTP_SERVER_AUTH_H
#define IMPULSE_SMTP_SERVER_AUTH_H

#include "sasl/sasl.h"
#include "smtp/server/session.h"

/* The mechanisms that the session may use now, as bits 1 << enum sasl_mechanism. */
unsigned auth_mechanisms(const struct smtps_session *session);
/* Would the password of this mechanism cross the network in clear text where it need not? */
bool auth_needs_tls(const struct smtps_session *session, enum sasl_mechanism mechanism);

/* Appends the names of the mechanisms: `first` in front of the first, blanks in front of the others. */
void auth_append_mechanisms(const struct smtps_session *session, char first, struct buf *out);

/*
 * May it relay whatever the recipient is: because can_relay is "true" in the connection context, as it is for
 * who has authenticated, or its certificate was verified (TLS_Verified_Peer_Can_Relay)?
 */
bool auth_may_relay(struct smtps_session *session);
/* Must it authenticate before MAIL? Hosts that may relay need not (Momentum 4 manual, relay_hosts). */
bool auth_is_missing(struct smtps_session *session);

/* What is kept of the AUTH parameter of MAIL: RFC 4954 section 5 says that of a client that is not trusted to
 * say it, it is "<>". `claimed` is the parameter's value, still in xtext. */
struct slice auth_sender(struct smtps_session *session, struct slice claimed);

/*
 * An authentication by `mechanism` has come to an end: sets auth_name, auth_status, auth_user, and with
 * AUTH_PASS can_relay in the connection context. `user` may be "".
 */
void auth_record(struct smtps_session *session, const char *mechanism, enum auth_status status,
                 const char *user);
/* It succeeded: the session is that user's from here on. */
void auth_accept(struct smtps_session *session, const char *user);
/* The client is nobody again, as after STARTTLS (RFC 3207 section 4.2): it may what it might before. */
void auth_forget(struct smtps_session *session);
/* The session begins, or its client is at another address now: rights that an address gave are gone. */
void auth_meet(struct smtps_session *session);

/* Appends an Authentication-Results field if the client tried to authenticate (Momentum 4 manual,
 * "ESMTP_Listener Authentication"). */
void auth_append_results(const struct smtps_session *session, struct buf *out);

/* Ends a dialogue that is under way; no answer is sent. In cmd_auth.c. */
void auth_cancel(struct smtps_session *session);

#endif
