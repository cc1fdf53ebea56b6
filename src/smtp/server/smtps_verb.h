/*
 * smtps_verb.h: the registry of SMTP commands; private to src/smtp/server and its like in src/sdk. A command
 * is a row, registered by the file that has it: `cmd_*.c` for the server's own, a module through
 * include/impulse/smtp.h.
 */
#ifndef IMPULSE_SMTP_SERVER_SMTPS_VERB_H
#define IMPULSE_SMTP_SERVER_SMTPS_VERB_H

#include "base/registry.h"
#include "smtp/server/command.h"

struct smtps_call;

#define SMTPS_THREAD "the session's event loop" /* of commands, extensions and parameters, for people */

struct smtps_verb {
    const char *verb; /* upper case */
    const char *help; /* one line; may be NULL for a module's: its row in the registry has it */
    command_fn *run;
    bool takes_arguments; /* false: an argument is refused with 501 5.5.4 */
    unsigned extension;   /* without this offer (extension.h) there is no such command; 0: there always is */
    /* A module's, which answers through the call: instead of `run`. */
    void (*start)(struct smtps_call *call, struct slice arguments, void *closure);
    void *closure;
    const char *module;   /* its name, for the logs */
    unsigned deadline_ms; /* after which the client is answered 451 */
};

/* Registers rows of the server's own. They live as long as the process; once more is harmless. Main thread,
 * before a session begins. */
void smtps_verbs_add(const struct smtps_verb *rows, size_t count);
/* All of the server's own. */
void smtps_verbs_register(void);
/* What was added. The registry of a generation's modules lies on it. */
const struct registry *smtps_verbs(void);

/* The server's own command of that name, letters of either case, or NULL. A hash and one comparison. Any
 * thread. */
const struct smtps_verb *smtps_verb_find(struct slice verb);

#endif
