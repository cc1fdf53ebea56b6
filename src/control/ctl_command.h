/*
 * ctl_command: the commands of the console: rows of tables, one table a family (cmd_*.c).
 */
#ifndef IMPULSE_CONTROL_CTL_COMMAND_H
#define IMPULSE_CONTROL_CTL_COMMAND_H

#include "base/slice.h"
#include "confparse/transaction.h"
#include "control/access.h"
#include "control/control.h"

/* One command as it was given, and whose it is. */
struct command_call {
    const struct control_upper *upper;
    const struct access *access;
    const char *user;
    struct conf_transaction **transaction; /* the session's; *transaction NULL: none has begun */
    const char *const *words;              /* after those of the command itself */
    size_t count;
    struct slice raw; /* the line behind the first of them, as it was given: for what quotes itself */
    FILE *out;        /* what the operator is to read */
};

struct command {
    const char *words;     /* "config begin from scratch": of two that fit, the longer is meant */
    const char *arguments; /* for help; "" when it takes none */
    unsigned least, most;  /* how many words may follow */
    const char *help;      /* one line */
    bool (*run)(struct command_call *call); /* false: refused, which call->out says why */
};

struct command_family {
    const struct command *commands;
    size_t count;
};

#define COMMAND_FAMILY(table)                                                                                \
    {                                                                                                        \
        table, sizeof table / sizeof *table                                                                  \
    }

extern const struct command_family cmd_config, cmd_process, cmd_authz;

/* The command that the words begin with, and how many of them are its own; NULL: there is none. */
const struct command *command_find(const char *const *words, size_t count, size_t *used);

/*
 * The command as the rules of Authorization and the acctlog see it: its words as the table spells them, then
 * those that were given, each behind one space. To be freed.
 */
char *command_line(const struct command *command, const char *const *words, size_t count, size_t used);

/* Checks the number of words and runs the command; call->words are those after its own. NULL: says that there
 * is no such command as `line`, and which is nearest. */
bool command_run(const struct command *command, const char *line, struct command_call *call);

#endif
