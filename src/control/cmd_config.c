/*
 * cmd_config: the running configuration: asking for it, changing it in transactions, reading and saving it.
 *
 * Outside of a transaction a set or unset is one of its own, which is committed at once. In one, questions
 * are answered from the configuration as it would be after the commit. Source: Momentum 4 manual, console
 * command "config".
 */
#include <limits.h>
#include <stdlib.h>
#include "base/mem.h"
#include "confparse/query.h"
#include "control/ctl_command.h"

typedef bool change_fn(struct conf_transaction *transaction, const char *const *words, size_t count,
                       FILE *out);
typedef bool question_fn(const struct conf *conf, const char *const *words, size_t count, FILE *out);

static struct conf *running(struct command_call *call)
{
    return call->upper->running(call->upper->daemon);
}

static bool refuse(struct command_call *call, const char *why)
{
    fprintf(call->out, "%s\n", why);
    return false;
}

/* What the changes of `transaction` make, with a reference, or NULL, which is explained. */
static struct conf *build(struct command_call *call, struct conf_transaction *transaction)
{
    struct conf_report *report;
    struct conf *conf = conf_transaction_build(transaction, &report);
    if (!conf) {
        for (size_t i = 0; i < conf_report_count(report); i++) {
            const struct conf_diagnostic *found = conf_report_at(report, i);
            if (found->severity == CONF_ERROR)
                fprintf(call->out, "%s:%u:%u: %s\n", found->place.file, found->place.line,
                        found->place.column, found->message);
        }
    }
    conf_report_free(report);
    return conf;
}

/* ---- transactions ---------------------------------------------------------------------------- */

static bool begin(struct command_call *call, bool from_scratch)
{
    if (*call->transaction)
        return refuse(call, "A transaction has begun already; config commit or config rollback ends it.");
    *call->transaction =
        conf_transaction_begin(running(call), from_scratch, call->upper->load_options(call->upper->daemon));
    return true;
}

static bool run_begin(struct command_call *call)
{
    return begin(call, false);
}

static bool run_begin_from_scratch(struct command_call *call)
{
    return begin(call, true);
}

static bool commit(struct command_call *call, struct conf_transaction *transaction)
{
    struct conf *next = build(call, transaction);
    bool done = next == running(call); /* nothing was changed */
    if (next && !done)
        done = call->upper->adopt(call->upper->daemon, next, call->out);
    conf_unref(next);
    return done;
}

static void end_transaction(struct command_call *call)
{
    conf_transaction_free(*call->transaction);
    *call->transaction = NULL;
}

static bool run_commit(struct command_call *call)
{
    if (!*call->transaction)
        return refuse(call, "No transaction has begun; config begin begins one.");
    if (conf_transaction_base(*call->transaction) != running(call))
        return refuse(call, "Commit failed: the configuration was changed since this transaction began. "
                            "config replay shows what it was to change, config rollback ends it.");
    if (!commit(call, *call->transaction))
        return refuse(call, "Commit failed; the transaction goes on.");
    end_transaction(call);
    return true;
}

static bool run_rollback(struct command_call *call)
{
    if (!*call->transaction)
        return refuse(call, "No transaction has begun; there is nothing to roll back.");
    end_transaction(call);
    return true;
}

static bool run_replay(struct command_call *call)
{
    if (!*call->transaction)
        return refuse(call, "No transaction has begun; there is nothing to replay.");
    conf_transaction_replay(*call->transaction, call->out);
    return true;
}

/* ---- changes --------------------------------------------------------------------------------- */

/* A transaction of one change. Its answer is held back until it is true. */
static bool change_at_once(struct command_call *call, change_fn *change)
{
    char *answer = NULL;
    size_t size = 0;
    FILE *held = open_memstream(&answer, &size);
    if (!held)
        return refuse(call, "Out of memory.");
    struct conf_transaction *transaction =
        conf_transaction_begin(running(call), false, call->upper->load_options(call->upper->daemon));
    bool noted = change(transaction, call->words, call->count, held);
    fclose(held);
    bool done = noted && commit(call, transaction);
    if (done || !noted)
        fwrite(answer, 1, size, call->out);
    free(answer);
    conf_transaction_free(transaction);
    return done;
}

static bool change(struct command_call *call, change_fn *change_it)
{
    if (*call->transaction)
        return change_it(*call->transaction, call->words, call->count, call->out);
    return change_at_once(call, change_it);
}

static bool run_set(struct command_call *call)
{
    return change(call, conf_transaction_set);
}

static bool run_unset(struct command_call *call)
{
    return change(call, conf_transaction_unset);
}

/* ---- questions ------------------------------------------------------------------------------- */

static bool ask(struct command_call *call, question_fn *question)
{
    struct conf *conf = *call->transaction ? build(call, *call->transaction) : conf_ref(running(call));
    if (!conf)
        return refuse(call, "The changes of the transaction do not make a configuration.");
    bool answered = question(conf, call->words, call->count, call->out);
    conf_unref(conf);
    return answered;
}

static bool show(const struct conf *conf, const char *const *words, size_t count, FILE *out)
{
    return conf_query_show(conf, words, count, false, out);
}

static bool show_recurse(const struct conf *conf, const char *const *words, size_t count, FILE *out)
{
    return conf_query_show(conf, words, count, true, out);
}

static bool run_get(struct command_call *call)
{
    return ask(call, conf_query_get);
}

static bool run_eval(struct command_call *call)
{
    return ask(call, conf_query_eval);
}

static bool run_show(struct command_call *call)
{
    return ask(call, show);
}

static bool run_showrecurse(struct command_call *call)
{
    return ask(call, show_recurse);
}

/* "The regex argument need not be quoted unless it contains spaces": its brackets are no words of their own.
 */
static bool run_locate(struct command_call *call)
{
    const char *words[2];
    if (call->count <= 2)
        return ask(call, conf_query_locate);
    struct command_call joined = *call;
    char *expression = mem_copy_text(call->raw.data, call->raw.size);
    words[0] = call->words[0];
    words[1] = expression;
    joined.words = words;
    joined.count = 2;
    bool answered = ask(&joined, conf_query_locate);
    free(expression);
    return answered;
}

/* ---- files ----------------------------------------------------------------------------------- */

/* The path that the command was given, or NULL. False: it is none, which is said. */
static bool take_path(struct command_call *call, const char **path)
{
    *path = call->count ? call->words[0] : NULL;
    if (!*path || **path == '/')
        return true;
    return refuse(call, "An absolute path is expected: the daemon's working directory is not yours.");
}

static bool run_reload(struct command_call *call)
{
    const char *path;
    if (*call->transaction)
        return refuse(call, "A transaction has begun; config commit or config rollback must end it before a "
                            "reload.");
    return take_path(call, &path) && call->upper->reload(call->upper->daemon, path, call->out);
}

static bool run_writeback(struct command_call *call)
{
    const struct conf_files *next;
    const char *path;
    if (!take_path(call, &path))
        return false;
    bool saved = conf_files_writeback(conf_get_files(running(call)), path, &next, call->out);
    if (saved)
        conf_files_unref(next);
    return saved;
}

#define SCOPE "[SCOPE ...]"

static const struct ctl_command table[] = {
    {"config begin", "", 0, 0, "begins a transaction", .run = run_begin},
    {"config begin from scratch", "", 0, 0, "begins a transaction with an empty configuration",
     .run = run_begin_from_scratch},
    {"config commit", "", 0, 0, "ends the transaction; its changes take effect together", .run = run_commit},
    {"config eval", SCOPE " OPTION", 1, UINT_MAX, "shows the value that applies in a scope, after fallback",
     .run = run_eval},
    {"config get", SCOPE " OPTION", 1, UINT_MAX, "shows the value that is set in a scope itself",
     .run = run_get},
    {"config locate", "KIND [REGEX]", 1, UINT_MAX, "shows where the scopes of a kind are", .run = run_locate},
    {"config reload", "[/PATH]", 0, 1, "reads the configuration file, or another one, anew",
     .run = run_reload},
    {"config replay", "", 0, 0, "shows the changes of the transaction", .run = run_replay},
    {"config rollback", "", 0, 0, "ends the transaction; nothing of it takes effect", .run = run_rollback},
    {"config set", SCOPE " OPTION [=] VALUE", 2, UINT_MAX, "sets an option in a scope", .run = run_set},
    {"config show", SCOPE " [OPTION]", 0, UINT_MAX, "shows a scope", .run = run_show},
    {"config showrecurse", SCOPE, 0, UINT_MAX, "shows a scope and the scopes in it", .run = run_showrecurse},
    {"config unset", SCOPE " [OPTION]", 1, UINT_MAX,
     "takes an option back, or a scope with all that is in it", .run = run_unset},
    {"config writeback", "[/PATH]", 0, 1,
     "saves the configuration that runs to its files, or all of it to another one", .run = run_writeback},
};

void cmd_config_register(void)
{
    ctl_commands_add("the console", table, sizeof table / sizeof *table);
}
