/*
 * cmd_help: the command help, and the list of all commands of the console itself.
 */
#include <stdio.h>
#include "control/ctl_command.h"

static void explain(const struct registry_row *row, bool in_full, FILE *out)
{
    const struct ctl_command *command = row->what;
    bool bare = !*command->arguments;
    fprintf(out, "%s%s%s\n    %s\n", command->words, bare ? "" : " ", command->arguments, command->help);
    if (in_full)
        fprintf(out, "    Owner: %s. Thread: %s%s.\n", row->owner, row->thread,
                command->may_block ? ", where it may block" : "");
}

/* Returns whether the command begins with the given words; all commands of the family begin with "config". */
static bool begins(const char *const *words, size_t count, const char *command)
{
    struct slice rest = slice_text(command), word;
    size_t same = 0;
    while (same < count && slice_next(&rest, ' ', &word) && slice_equal_nocase(word, slice_text(words[same])))
        same++;
    return same == count;
}

/* "help config" lists every command that begins so; help for a command named in full has more details. */
static bool run_help(struct command_call *call)
{
    bool found = false;
    size_t used;
    const struct ctl_command *named = command_find(call->commands, call->words, call->count, &used);
    for (const struct registry_row *row = NULL; (row = registry_next(call->commands, row));) {
        if (!begins(call->words, call->count, row->name))
            continue;
        explain(row, row->what == named && used == call->count, call->out);
        found = true;
    }
    if (!found)
        fputs("There is no such command; \"help\" shows them all.\n", call->out);
    return found;
}

static const struct ctl_command help_table[] = {
    {"help", "[COMMAND]", 0, 16, "shows the commands, or one of them", .run = run_help},
};

/* ---- registered ------------------------------------------------------------------------------ */

void ctl_commands_register(void)
{
    cmd_authz_register();
    cmd_config_register();
    cmd_metrics_register();
    cmd_process_register();
    ctl_commands_add("the console", help_table, sizeof help_table / sizeof *help_table);
}
