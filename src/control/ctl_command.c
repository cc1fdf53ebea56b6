/*
 * ctl_command: finding, explaining and running commands.
 */
#include "control/ctl_command.h"

#include <stdlib.h>
#include <strings.h>
#include "base/buf.h"
#include "confparse/text.h"

static bool run_help(struct command_call *call);

static const struct command help_table[] = {
    {"help", "[COMMAND]", 0, 16, "shows the commands, or one of them", run_help},
};
static const struct command_family help = COMMAND_FAMILY(help_table);

static const struct command_family *const families[] = {&cmd_authz, &cmd_config, &help, &cmd_process};

/* ---- walking the tables ---------------------------------------------------------------------- */

/* Start with NULL; NULL at the end. */
static const struct command *next_command(const struct command *after)
{
    bool found = !after;
    for (size_t i = 0; i < sizeof families / sizeof *families; i++)
        for (size_t j = 0; j < families[i]->count; j++) {
            if (found)
                return &families[i]->commands[j];
            found = after == &families[i]->commands[j];
        }
    return NULL;
}

/* How many words of the command the given ones begin with: all of its words, or 0. */
static size_t match(const struct command *command, const char *const *words, size_t count)
{
    struct slice rest = slice_text(command->words), word;
    size_t used = 0;
    for (; slice_next(&rest, ' ', &word); used++)
        if (used == count || !slice_equal_nocase(word, slice_text(words[used])))
            return 0;
    return used;
}

const struct command *command_find(const char *const *words, size_t count, size_t *used)
{
    const struct command *best = NULL;
    *used = 0;
    for (const struct command *command = NULL; (command = next_command(command));) {
        size_t matched = match(command, words, count);
        if (matched > *used) {
            best = command;
            *used = matched;
        }
    }
    return best;
}

char *command_line(const struct command *command, const char *const *words, size_t count, size_t used)
{
    struct buf line = {0};
    size_t size;
    if (command)
        buf_append_text(&line, command->words);
    for (size_t i = used; i < count; i++) {
        if (i)
            buf_append_text(&line, " ");
        buf_append_text(&line, words[i]);
    }
    buf_append(&line, "", 1);
    return buf_take(&line, &size);
}

/* ---- help ------------------------------------------------------------------------------------ */

static void explain(const struct command *command, FILE *out)
{
    bool bare = !*command->arguments;
    fprintf(out, "%s%s%s\n    %s\n", command->words, bare ? "" : " ", command->arguments, command->help);
}

/* "help config" is about every command that begins so. */
static bool run_help(struct command_call *call)
{
    bool found = false;
    for (const struct command *command = NULL; (command = next_command(command));) {
        struct slice rest = slice_text(command->words), word;
        size_t same = 0;
        while (same < call->count && slice_next(&rest, ' ', &word) &&
               slice_equal_nocase(word, slice_text(call->words[same])))
            same++;
        if (same < call->count)
            continue;
        explain(command, call->out);
        found = true;
    }
    if (!found)
        fputs("There is no such command; \"help\" shows them all.\n", call->out);
    return found;
}

/* ---- running --------------------------------------------------------------------------------- */

/* As much of the line as the command has words. */
static struct conf_text beginning(const char *line, const char *words)
{
    const char *end = line - 1;
    for (const char *space = words; end && space; space = strchr(space + 1, ' '))
        end = strchr(end + 1, ' ');
    return (struct conf_text){line, end ? (size_t)(end - line) : strlen(line)};
}

/* "config" alone, or with a word that is none of its own. */
static bool is_family(struct conf_text word)
{
    for (const struct command *command = NULL; (command = next_command(command));)
        if (conf_text_compare_nocase(word, beginning(command->words, "family")) == 0)
            return true;
    return false;
}

/* "ec_logger:instance reopen logs": what Momentum asks of one module may be a command for all of them here.
 */
static const char *after_module(const char *line)
{
    size_t size = strcspn(line, " ");
    return line[size] && memchr(line, ':', size) ? line + size + 1 : line;
}

static bool refuse_unknown(const char *line, FILE *out)
{
    enum { SHOWN = 64 };
    struct conf_text first = beginning(line, "family");
    struct conf_suggestion nearest = {0};
    bool is_long = strlen(line) > SHOWN;
    for (const struct command *command = NULL; !is_long && (command = next_command(command));)
        conf_suggest(&nearest, beginning(after_module(line), command->words), command->words);
    fprintf(out, "Unknown command \"%.*s%s\"", SHOWN, line, is_long ? "..." : "");
    if (nearest.name)
        fprintf(out, "; did you mean \"%s\"?\n", nearest.name);
    else if (is_family(first))
        fprintf(out, "; \"help %.*s\" shows what there is.\n", (int)first.size, first.data);
    else
        fputs("; \"help\" shows the commands.\n", out);
    return false;
}

bool command_run(const struct command *command, const char *line, struct command_call *call)
{
    if (!command)
        return refuse_unknown(line, call->out);
    if (call->count >= command->least && call->count <= command->most)
        return command->run(call);
    fprintf(call->out, "%s %s: usage: %s%s%s\n", command->words,
            call->count < command->least ? "lacks an argument" : "has too many arguments", command->words,
            *command->arguments ? " " : "", command->arguments);
    return false;
}
