/*
 * session_tls.h: switches a session from plain text to TLS; private to src/smtp/server. On the session's loop
 * thread.
 */
#ifndef IMPULSE_SMTP_SERVER_SESSION_TLS_H
#define IMPULSE_SMTP_SERVER_SESSION_TLS_H

#include "smtp/server/session.h"

/*
 * Sends the queued replies, does the handshake within idle_time, and then calls `secured`, with session->tls
 * and the connection context set and the state still SESSION_OPENING. If the handshake fails, the session
 * ends. Returns false, with nothing changed, if the handshake cannot begin.
 */
bool session_start_tls(struct smtps_session *session, session_event_fn *secured);

/* Implements stream_handler.secured. */
void session_tls_secured(struct stream *stream, int error);

#endif
