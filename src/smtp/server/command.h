/*
 * command.h: the SMTP commands; private to src/smtp/server. One file per command, each the same shape: check the
 * order, parse the arguments, ask the hooks, reply.
 */
#ifndef IMPULSE_SMTP_SERVER_COMMAND_H
#define IMPULSE_SMTP_SERVER_COMMAND_H

#include "smtp/server/session.h"

/* `arguments` is what follows the verb and one space; trailing blanks are gone. Valid during the call. */
typedef void command_fn(struct smtps_session *session, struct slice arguments);

command_fn cmd_auth, cmd_bdat, cmd_data, cmd_ehlo, cmd_helo, cmd_help, cmd_mail, cmd_noop,
    cmd_not_implemented, cmd_quit, cmd_rcpt, cmd_rset, cmd_starttls, cmd_vrfy, cmd_xclient, cmd_xdumpcontext,
    cmd_xremoteip, cmd_xsetcontext;

/* The client has not greeted, and there is no transaction. What the connection context says of the greeting
 * is the caller's to remove. */
void hello_forget(struct smtps_session *session);

#endif
