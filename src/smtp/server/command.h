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

command_fn cmd_auth, cmd_bdat, cmd_data, cmd_ehlo, cmd_helo, cmd_help, cmd_mail, cmd_noop,
    cmd_not_implemented, cmd_quit, cmd_rcpt, cmd_rset, cmd_starttls, cmd_vrfy, cmd_xclient, cmd_xdumpcontext,
    cmd_xremoteip, cmd_xsetcontext;

/*
 * Discards the client's greeting and ends the transaction. The caller removes what the greeting set in the
 * connection context.
 */
void hello_forget(struct smtps_session *session);

#endif
