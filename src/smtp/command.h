/*
 * command.h: the table of SMTP commands; private to src/smtp. One file per command, each the same shape:
 * check the order, parse the arguments, ask the hooks, reply.
 */
#ifndef IMPULSE_SMTP_COMMAND_H
#define IMPULSE_SMTP_COMMAND_H

#include "smtp/session.h"

enum { COMMAND_LINE_MAX = 2048 }; /* bytes of a command line without CR LF; RFC 5321 4.5.3.1.4 asks for 512 */

/* `arguments` is what follows the verb and one space; trailing blanks are gone. Valid during the call. */
typedef void command_fn(struct session *session, struct slice arguments);

command_fn cmd_helo, cmd_ehlo, cmd_mail, cmd_rcpt, cmd_data, cmd_rset, cmd_noop, cmd_vrfy, cmd_help, cmd_quit;

/* Runs one command line (without its line end). */
void command_run(struct session *session, struct slice line);

/* The final dot was seen: hooks, then the spool, then the answer. In cmd_data.c. */
void data_finished(struct session *session);

/* What the session waits for, as the rejectlog names it: "awaiting mailfrom". */
const char *command_phase(const struct session *session);

#endif
