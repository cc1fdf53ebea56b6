/*
 * auth.h: what a session may do because of its client's identity; private to src/smtp/server. On the
 * session's loop thread.
 */
#ifndef IMPULSE_SMTP_SERVER_AUTH_H
#define IMPULSE_SMTP_SERVER_AUTH_H

#include "sasl/sasl.h"
#include "smtp/server/session.h"

/* Returns the mechanisms that the session may use now, as bits 1 << enum sasl_mechanism. */
unsigned auth_mechanisms(const struct smtps_session *session);
/* Returns whether `mechanism` would send a password in clear text although the client could use TLS. */
bool auth_needs_tls(const struct smtps_session *session, enum sasl_mechanism mechanism);

/*
 * Appends the names of the mechanisms to `out`: `first` before the first name, a blank before each other one.
 */
void auth_append_mechanisms(const struct smtps_session *session, char first, struct buf *out);

/*
 * Returns whether the client may relay to any recipient: can_relay is "true" in the connection context, as it
 * is after an authentication, or the client's certificate was verified (TLS_Verified_Peer_Can_Relay).
 */
bool auth_may_relay(struct smtps_session *session);
/*
 * Returns whether the client must authenticate before MAIL. Hosts that may relay need not (Momentum 4 manual,
 * relay_hosts).
 */
bool auth_is_missing(struct smtps_session *session);

/*
 * Returns the value to keep for the AUTH parameter of MAIL: "<>" if the client is not trusted to give one
 * (RFC 4954 section 5), otherwise `claimed`, the value in xtext.
 */
struct slice auth_sender(struct smtps_session *session, struct slice claimed);

/*
 * Called at the end of an authentication by `mechanism` (a static string): sets auth_name, auth_status and
 * auth_user in the connection context. `user` may be "".
 */
void auth_record(struct smtps_session *session, const char *mechanism, enum auth_status status,
                 const char *user);
/*
 * Called after a successful authentication: stores a copy of `user` and sets can_relay in the connection
 * context.
 */
void auth_accept(struct smtps_session *session, const char *user);
/*
 * Undoes the authentication, as after STARTTLS (RFC 3207 section 4.2): the client's earlier rights apply
 * again.
 */
void auth_forget(struct smtps_session *session);
/*
 * Called when the session begins and when the client's address changes: grants that depended on the old
 * address are revoked, and those of the new one apply.
 */
void auth_meet(struct smtps_session *session);

/*
 * Appends an Authentication-Results field if the client tried to authenticate (Momentum 4 manual,
 * "ESMTP_Listener Authentication").
 */
void auth_append_results(const struct smtps_session *session, struct buf *out);

/* Cancels an exchange in progress without a reply. Defined in cmd_auth.c. */
void auth_cancel(struct smtps_session *session);

#endif
