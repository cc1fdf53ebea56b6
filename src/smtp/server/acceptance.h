/*
 * acceptance.h: from the end of content to the reply; private to src/smtp/server.
 */
#ifndef IMPULSE_SMTP_SERVER_ACCEPTANCE_H
#define IMPULSE_SMTP_SERVER_ACCEPTANCE_H

#include "smtp/server/session.h"

/*
 * Called when the content is complete (the final dot of DATA, the last chunk of BDAT), with session->state
 * SESSION_READING. Calls the hooks, makes the message durable and replies, possibly in a later turn. The
 * transaction ends with the reply. On the session's loop thread.
 */
void acceptance_begin(struct smtps_session *session);

#endif
