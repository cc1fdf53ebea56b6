/*
 * commands: writes the reference of the console's commands from the registry: those of the console and of the
 * daemon. What modules add is on their own pages, and in `help` of a daemon that runs them.
 *
 * usage: commands markdown|mdoc >FILE
 */
#include <string.h>
#include "control/ctl_command.h"
#include "daemon/console.h"
#include "form.h"

static void write_mdoc(const struct ctl_command *command)
{
    fputs(".It Ic \"", stdout);
    form_mdoc.put_code(command->words, stdout);
    fputs(*command->arguments ? " " : "", stdout);
    form_mdoc.put_code(command->arguments, stdout);
    fputs("\"\n", stdout);
    form_mdoc.put_text(command->help, stdout);
    fputs("\n", stdout);
}

static void write_markdown(const struct ctl_command *command)
{
    printf("- `%s%s%s`: ", command->words, *command->arguments ? " " : "", command->arguments);
    form_markdown.put_text(command->help, stdout);
    fputs("\n", stdout);
}

int main(int count, char **arguments)
{
    bool mdoc = count > 1 && strcmp(arguments[1], "mdoc") == 0;
    ctl_commands_register();
    console_register();
    if (!mdoc)
        fputs("# Commands of the console\n\nWritten by `make doc` from the registry of commands. `help` "
              "shows those of "
              "a running daemon, with what its modules add.\n\n",
              stdout);
    for (const struct registry_row *row = NULL; (row = registry_next(ctl_commands(), row));)
        (mdoc ? write_mdoc : write_markdown)(row->what);
    return fflush(stdout) == 0 ? 0 : 1;
}
