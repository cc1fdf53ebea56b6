/*
 * acceptance.h: from the end of content to the answer; private to src/smtp/server.
 */
#ifndef IMPULSE_SMTP_SERVER_ACCEPTANCE_H
#define IMPULSE_SMTP_SERVER_ACCEPTANCE_H

#include "smtp/server/session.h"

/*
 * The content is complete (the final dot of DATA, the last chunk of BDAT) and session->state is
 * SESSION_READING: asks the hooks, makes the message durable and answers. The transaction ends with the
 * answer, which may come in a later turn.
 */
void acceptance_begin(struct smtps_session *session);

#endif
