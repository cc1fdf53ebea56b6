/*
 * ctl_command: the commands of the console. A command is a row of the registry, which its owner adds: the
 * console's own (cmd_*.c), the daemon's, those of modules (include/impulse/command.h).
 */
#ifndef IMPULSE_CONTROL_CTL_COMMAND_H
#define IMPULSE_CONTROL_CTL_COMMAND_H

#include "base/registry.h"
#include "confparse/transaction.h"
#include "control/access.h"
#include "control/control.h"
#include "control/ctl_call.h"

/* One command as it was given, and whose it is. */
struct command_call {
    const struct control_upper *upper;
    const struct registry *commands; /* all that there are at this moment */
    const struct access *access;
    const char *user;
    struct conf_transaction **transaction; /* the session's; *transaction NULL: none has begun */
    const char *const *words;              /* after those of the command itself */
    size_t count;
    struct slice raw; /* the line behind the first of them, as it was given: for what quotes itself */
    FILE *out;        /* what the operator is to read */
};

struct ctl_command {
    const char *words;     /* "config begin from scratch": of two that fit, the longer is meant */
    const char *arguments; /* for help; "" when it takes none */
    unsigned least, most;  /* how many words may follow */
    const char *help;      /* one line */
    /* Answers at once, on the main thread; false: refused, which call->out says why. Or NULL: */
    bool (*run)(struct command_call *call);
    /* Begins the command on the main thread; it is answered through the call, now or later. */
    void (*start)(struct ctl_call *call, void *closure);
    void *closure;
    const char *thread; /* that does the work, for help: "every loop", "pool IO"; NULL: main */
    bool may_block;
};

/*
 * Registers rows of the core, which live as long as the process; once more is harmless. A name that is taken
 * is a mistake in the code: it ends the process. Main thread, at the start.
 */
void ctl_commands_add(const char *owner, const struct ctl_command *rows, size_t count);
/* What was added. A generation's modules have a registry that lies on this one. */
const struct registry *ctl_commands(void);

void cmd_authz_register(void);
void cmd_config_register(void);
void cmd_metrics_register(void);
void cmd_process_register(void);
/* All of the console's own. */
void ctl_commands_register(void);

/* The command that the words begin with, and how many of them are its own; NULL: there is none. */
const struct ctl_command *command_find(const struct registry *commands, const char *const *words,
                                       size_t count, size_t *used);

/*
 * The command as the rules of Authorization and the acctlog see it: its words as the table spells them, then
 * those that were given, each behind one space. To be freed.
 */
char *command_line(const struct ctl_command *command, const char *const *words, size_t count, size_t used);

/* Is there such a command, and is the number of words right? If not, says so to call->out; NULL: that there
 * is no such command as `line`, and which is nearest. */
bool command_fits(const struct ctl_command *command, const char *line, struct command_call *call);

#endif
