/*
 * ctl_command: the registry of commands; finds them, and says what is wrong with a line.
 */
#include "control/ctl_command.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>
#include "base/buf.h"
#include "confparse/text.h"

static struct registry core = {.kind = "console command"};

const struct registry *ctl_commands(void)
{
    return &core;
}

void ctl_commands_add(const char *owner, const struct ctl_command *rows, size_t count)
{
    char error[256];
    for (size_t i = 0; i < count; i++) {
        struct registry_row row = {.name = rows[i].words,
                                   .owner = owner,
                                   .help = rows[i].help,
                                   .thread = rows[i].thread ? rows[i].thread : "main",
                                   .what = &rows[i]};
        if (registry_add(&core, &row, error, sizeof error))
            continue;
        fprintf(stderr, "%s\n", error);
        abort();
    }
}

static const struct ctl_command *command_of(const struct registry_row *row)
{
    return row->what;
}

#define each_row(commands, row) (const struct registry_row *row = NULL; (row = registry_next(commands, row));)

/* Returns the number of words if `words` begin with all words of the command, otherwise 0. */
static size_t match(const struct ctl_command *command, const char *const *words, size_t count)
{
    struct slice rest = slice_text(command->words), word;
    size_t used = 0;
    for (; slice_next(&rest, ' ', &word); used++)
        if (used == count || !slice_equal_nocase(word, slice_text(words[used])))
            return 0;
    return used;
}

const struct ctl_command *command_find(const struct registry *commands, const char *const *words,
                                       size_t count, size_t *used)
{
    const struct ctl_command *best = NULL;
    *used = 0;
    for
        each_row(commands, row)
        {
            size_t matched = match(command_of(row), words, count);
            if (matched > *used) {
                best = command_of(row);
                *used = matched;
            }
        }
    return best;
}

char *command_line(const struct ctl_command *command, const char *const *words, size_t count, size_t used)
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

/* ---- running --------------------------------------------------------------------------------- */

/* Returns the part of the line that has as many words as the command. */
static struct conf_text beginning(const char *line, const char *words)
{
    const char *end = line - 1;
    for (const char *space = words; end && space; space = strchr(space + 1, ' '))
        end = strchr(end + 1, ' ');
    return (struct conf_text){line, end ? (size_t)(end - line) : strlen(line)};
}

/* Returns whether the word alone begins commands, as "config" does. */
static bool is_family(const struct registry *commands, struct conf_text word)
{
    for
        each_row(commands,
                 row) if (conf_text_compare_nocase(word, beginning(row->name, "family")) == 0) return true;
    return false;
}

/*
 * Skips the module name in "ec_logger:instance reopen logs": Momentum sends this command to one module; here
 * it is a command for all.
 */
static const char *after_module(const char *line)
{
    size_t size = strcspn(line, " ");
    return line[size] && memchr(line, ':', size) ? line + size + 1 : line;
}

static bool refuse_unknown(const struct registry *commands, const char *line, FILE *out)
{
    enum { SHOWN = 64 };
    struct conf_text first = beginning(line, "family");
    struct conf_suggestion nearest = {0};
    bool is_long = strlen(line) > SHOWN;
    for (const struct registry_row *row = NULL; !is_long && (row = registry_next(commands, row));)
        conf_suggest(&nearest, beginning(after_module(line), row->name), row->name);
    fprintf(out, "Unknown command \"%.*s%s\"", SHOWN, line, is_long ? "..." : "");
    if (nearest.name)
        fprintf(out, "; did you mean \"%s\"?\n", nearest.name);
    else if (is_family(commands, first))
        fprintf(out, "; \"help %.*s\" shows what there is.\n", (int)first.size, first.data);
    else
        fputs("; \"help\" shows the commands.\n", out);
    return false;
}

bool command_fits(const struct ctl_command *command, const char *line, struct command_call *call)
{
    if (!command)
        return refuse_unknown(call->commands, line, call->out);
    if (call->count >= command->least && call->count <= command->most)
        return true;
    fprintf(call->out, "%s %s: usage: %s%s%s\n", command->words,
            call->count < command->least ? "lacks an argument" : "has too many arguments", command->words,
            *command->arguments ? " " : "", command->arguments);
    return false;
}
