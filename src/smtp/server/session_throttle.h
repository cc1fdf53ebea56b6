/*
 * session_throttle.h: inbound_throttle_messages as a session keeps to it. Private to src/smtp/server.
 */
#ifndef IMPULSE_SMTP_SERVER_SESSION_THROTTLE_H
#define IMPULSE_SMTP_SERVER_SESSION_THROTTLE_H

#include "smtp/server/session.h"

/*
 * Before a session's next message begins: calls `next` with HOOK_PASS, at once or when it is its turn, or
 * with HOOK_REFUSED: to be answered reply_throttled. As after session_ask, the command must not touch its
 * line in `next`.
 */
void session_throttle(struct smtps_session *session, session_continue_fn *next);

#endif
