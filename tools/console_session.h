/*
 * console_session: a console client that is connected whenever a command comes.
 *
 * The server closes a session that was idle; the next command then connects again, and the operator does not
 * notice. Only a transaction (`config begin`) is lost with its session: then the command is not run, since it
 * was meant for the transaction, and that is said.
 */
#ifndef IMPULSE_TOOLS_CONSOLE_SESSION_H
#define IMPULSE_TOOLS_CONSOLE_SESSION_H

#include "tools/console_client.h"

struct console_session {
    struct console_client *client; /* borrowed; connected once before */
    bool in_transaction;
};

/* As console_client_run. What goes wrong is said on stderr, unless it is a refusal. */
enum console_status console_session_run(struct console_session *session, const char *command, size_t size,
                                        console_output *output, void *closure);

#endif
