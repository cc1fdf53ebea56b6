/*
 * session_throttle.h: applies inbound_throttle_messages to a session. Private to src/smtp/server. On the
 * session's loop thread.
 */
#ifndef IMPULSE_SMTP_SERVER_SESSION_THROTTLE_H
#define IMPULSE_SMTP_SERVER_SESSION_THROTTLE_H

#include "smtp/server/session.h"

/*
 * Called before a session's next message begins. Calls `next` with HOOK_PASS, at once or when the message may
 * begin, or with HOOK_REFUSED if it must be rejected with reply_throttled. As with session_ask, `next` must
 * not use the command line.
 */
void session_throttle(struct smtps_session *session, session_continue_fn *next);

#endif
