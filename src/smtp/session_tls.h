/*
 * session_tls.h: from plain text to TLS; private to src/smtp.
 */
#ifndef IMPULSE_SMTP_SESSION_TLS_H
#define IMPULSE_SMTP_SESSION_TLS_H

#include "smtp/session.h"

/*
 * Sends the replies that are queued, does the handshake and then calls `secured`, with session->tls and the
 * connection context set and the state SESSION_READING; the input at hand is taken after that. The handshake
 * counts against the time that the session has; when it fails the session ends. `received` (copied) is what
 * was read of the handshake already. False: it could not begin, and nothing has changed.
 */
bool session_start_tls(struct session *session, struct slice received, session_event_fn *secured);

/* As stream_handler.secured. */
void session_tls_secured(struct stream *stream, int error);

#endif
