/*
 * ctl_command.h: the commands of the console. Each command is a row of the registry, which its owner adds:
 * the console (cmd_*.c), the daemon, or a module (include/impulse/command.h).
 */
#ifndef IMPULSE_CONTROL_CTL_COMMAND_H
#define IMPULSE_CONTROL_CTL_COMMAND_H

#include "base/registry.h"
#include "confparse/transaction.h"
#include "control/access.h"
#include "control/control.h"
#include "control/ctl_call.h"

/* One invocation of a command, and its context. */
struct command_call {
    const struct control_upper *upper;
    const struct registry *commands; /* all commands at this moment */
    const struct access *access;
    const char *user;
    struct conf_transaction **transaction; /* the session's; *transaction NULL: none has begun */
    const char *const *words;              /* the arguments: words after those of the command */
    size_t count;
    /* the line from the first argument on, unchanged: for commands that parse quotes themselves */
    struct slice raw;
    FILE *out; /* output for the operator */
};

struct ctl_command {
    const char *words;     /* "config begin from scratch": if two commands match, the longer one is meant */
    const char *arguments; /* for help; "" if there are none */
    unsigned least, most;  /* minimum and maximum number of arguments */
    const char *help;      /* one line */
    /* Runs the command on the main thread. Returns false if it failed; call->out has the reason. Or NULL: */
    bool (*run)(struct command_call *call);
    /* Begins the command on the main thread; the call is answered now or later. */
    void (*start)(struct ctl_call *call, void *closure);
    void *closure;
    const char *thread; /* thread that does the work, for help: "every loop", "pool IO"; NULL: main */
    bool may_block;
};

/*
 * Registers rows of the core, which must live as long as the process. Registering the same rows again has no
 * effect. A duplicate name is a programming error and ends the process. Main thread, at the start.
 */
void ctl_commands_add(const char *owner, const struct ctl_command *rows, size_t count);
/* Returns the registered commands. A generation's modules have a registry on top of this one. */
const struct registry *ctl_commands(void);

void cmd_authz_register(void);
void cmd_config_register(void);
void cmd_metrics_register(void);
void cmd_process_register(void);
/* Registers all commands of the console itself. */
void ctl_commands_register(void);

/*
 * Returns the command that the words begin with, and sets `*used` to the number of its words; NULL if there
 * is none.
 */
const struct ctl_command *command_find(const struct registry *commands, const char *const *words,
                                       size_t count, size_t *used);

/*
 * Returns the command as Authorization rules and the acctlog see it: its words as registered, then the
 * arguments, each after one space. The caller frees it.
 */
char *command_line(const struct ctl_command *command, const char *const *words, size_t count, size_t used);

/*
 * Returns whether the command exists (not NULL) and has the right number of arguments. If not, writes the
 * reason to call->out; for an unknown command, that `line` is unknown and which command is similar.
 */
bool command_fits(const struct ctl_command *command, const char *line, struct command_call *call);

#endif
