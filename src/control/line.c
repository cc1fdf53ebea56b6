/*
 * line: one command line.
 */
#include "control/line.h"

#include <stdlib.h>
#include "control/account.h"
#include "control/ctl_call_private.h"
#include "control/ctl_command.h"
#include "control/roles.h"
#include "control/words.h"

static bool is_authorized(const struct control *control, const struct visitor *visitor,
                          const struct access *access, const char *line)
{
    const struct conf *conf = control->upper.running(control->upper.daemon);
    const char *role;
    if (!access->authorize)
        return true;
    enum imp_authorization result = roles_judge(conf, &access->groups, visitor->user, line, &role);
    account_command(control, visitor, line, result, role);
    return result == IMP_AUTHORIZED;
}

static struct slice from_place(const struct words *words, size_t index, struct slice line)
{
    const char *end = line.data + line.size;
    const char *begin = index < words->count ? words->places[index] : end;
    return slice_trim(slice_of(begin, (size_t)(end - begin)));
}

static const struct registry *commands_now(const struct control *control)
{
    const struct registry *commands =
        control->upper.commands ? control->upper.commands(control->upper.daemon) : NULL;
    return commands ? commands : ctl_commands();
}

static bool run(const struct control *control, const struct ctl_command *command, struct command_call *call,
                struct line_later *later)
{
    if (command->run)
        return command->run(call);
    later->call =
        ctl_call_create(control->calls, call->words, call->count, call->user, later->look, later->session);
    command->start(later->call, command->closure);
    return true;
}

static bool run_words(const struct control *control, struct visitor *visitor, const struct access *access,
                      const struct words *words, struct slice given, FILE *out, struct line_later *later)
{
    size_t used;
    const struct registry *commands = commands_now(control);
    const struct ctl_command *command = command_find(commands, words->items, words->count, &used);
    char *line = command_line(command, words->items, words->count, used);
    struct command_call call = {
        .upper = &control->upper,
        .commands = commands,
        .access = access,
        .user = visitor->user,
        .transaction = &visitor->transaction,
        .words = words->items + used,
        .count = words->count - used,
        .raw = from_place(words, used + 1, given),
        .out = out,
    };
    bool allowed = is_authorized(control, visitor, access, line);
    if (!allowed)
        fputs("Not Authorized for this command\n", out);
    bool done = allowed && command_fits(command, line, &call) && run(control, command, &call, later);
    free(line);
    return done;
}

bool line_run(const struct control *control, struct visitor *visitor, const struct access *access,
              struct slice line, FILE *out, struct line_later *later)
{
    struct words words;
    const char *problem;
    bool done = words_split(&words, line.data, line.size, &problem);
    if (!done)
        fprintf(out, "Syntax error: %s\n", problem);
    else if (words.count)
        done = run_words(control, visitor, access, &words, line, out, later);
    words_release(&words);
    return done;
}
