/*
 * smtps_call.h: an SMTP command that a module answers, now or later; for src/smtp/server and src/sdk.
 *
 * The session waits until then, at no cost of a thread; its client's pipelined commands stay where they are.
 * A call ends with smtps_call_reply, once, from any thread. The session may leave it before: when it is
 * closed, or at the deadline, after which the client is answered 451 4.3.0 and the paniclog names module and
 * command.
 */
#ifndef IMPULSE_SMTP_SERVER_SMTPS_CALL_H
#define IMPULSE_SMTP_SERVER_SMTPS_CALL_H

#include "module/imp_session.h"
#include "smtp/server/smtps_verb.h"

enum { SMTPS_CALL_DEADLINE_MS = 60 * 1000 }; /* where the verb has none of its own */

/* Begins a module's command. The session's loop thread, within the command. */
void smtps_call_start(struct smtps_session *session, const struct smtps_verb *verb, struct slice arguments);
/* The session does not wait for it any more, if there is one. The session's loop thread. */
void smtps_call_cancel(struct smtps_session *session);

/* The server drains: the call that is under way gets a few seconds. The session's loop thread. */
void smtps_call_hurry(struct smtps_session *session);

/* ---- for src/sdk ----------------------------------------------------------------------------- */

/* What modules see of the session; NULL when it has left. The session's loop thread. */
struct imp_session *smtps_call_session(struct smtps_call *call);
/* Has `cancelled` called once when the session leaves first; on its loop thread. From within the verb's
 * start. */
void smtps_call_on_cancel(struct smtps_call *call, void (*cancelled)(struct smtps_call *call, void *closure),
                          void *closure);
/* Has `release` called when the call is over on both sides. From within the verb's start. */
void smtps_call_at_end(struct smtps_call *call, void (*release)(void *closure), void *closure);
/*
 * Answers: `text` has one line, or several with '\n' between them; control bytes become '?'. A code that is
 * none of an answer (200-299, 400-599) becomes 451; 221 and 421 end the connection. `enhanced` "" or NULL:
 * none. The call must not be used afterwards. Any thread.
 */
void smtps_call_reply(struct smtps_call *call, int code, const char *enhanced, const char *text);

#endif
