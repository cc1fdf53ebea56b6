/*
 * session_tls.h: from plain text to TLS; private to src/smtp/server.
 */
#ifndef IMPULSE_SMTP_SERVER_SESSION_TLS_H
#define IMPULSE_SMTP_SERVER_SESSION_TLS_H

#include "smtp/server/session.h"

/*
 * Sends the replies that are queued, does the handshake, for which the client has idle_time, and then calls
 * `secured` with session->tls and the connection context set, the state still SESSION_OPENING. When the
 * handshake fails the session ends. False: it could not begin, and nothing has changed.
 */
bool session_start_tls(struct smtps_session *session, session_event_fn *secured);

/* As stream_handler.secured. */
void session_tls_secured(struct stream *stream, int error);

#endif
