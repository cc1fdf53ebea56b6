/*
 * command.h: the SMTP commands; private to src/smtp/server. Each command has a file of its own, always in the
 * same order: check the state, parse the arguments, call the hooks, reply. On the session's loop thread.
 */
#ifndef IMPULSE_SMTP_SERVER_COMMAND_H
#define IMPULSE_SMTP_SERVER_COMMAND_H

#include "smtp/server/session.h"

/*
 * Runs a command. `arguments` is the text after the verb and one space, without trailing blanks; it is valid
 * during the call.
 */
typedef void command_fn(struct smtps_session *session, struct slice arguments);

/* Each registers the commands of the file of that name (smtps_verb.h). */
void cmd_auth_register(void);
void cmd_bdat_register(void);
void cmd_data_register(void);
void cmd_hello_register(void);
void cmd_mail_register(void);
void cmd_rcpt_register(void);
void cmd_simple_register(void);
void cmd_starttls_register(void);
void cmd_xclient_register(void);
void cmd_xcontext_register(void);
void cmd_xremoteip_register(void);

/*
 * Discards the client's greeting and ends the transaction. The caller removes what the greeting set in the
 * connection context.
 */
void hello_forget(struct smtps_session *session);

#endif
