/*
 * impulsectl explain: which value applies, and why. Answers for a configuration with mistakes, too: the
 * question is put to the tree while it is loaded, which also has what is wrong in it left out.
 */
#include <stdio.h>
#include "confparse/query.h"
#include "tools/impulsectl.h"

static const char help[] =
    "usage: impulsectl explain [-c FILE] [--modules DIR] [SCOPE ...] OPTION\n"
    "\n"
    "Prints the value of an option that applies in a scope, the file and line it came from, and\n"
    "every level that is asked on the way. A scope is written as in the console:\n"
    "\n"
    "  impulsectl explain esmtp_listener listen :25 peer 10.0.0.1 smtp_extensions\n"
    "  impulsectl explain binding_group group1 binding example domain example.com max_retries\n"
    "\n" SETTINGS_HELP;

struct question {
    const char *const *words;
    size_t count;
    bool asked, answered;
};

static void ask(const struct conf *conf, struct conf_report *report, void *argument)
{
    struct question *question = argument;
    (void)report;
    question->asked = true;
    question->answered = conf_query_explain(conf, question->words, question->count, stdout);
}

/* The question of a command line whose options are read. */
static int explain(const struct settings *settings, struct question *question)
{
    struct conf_load_options load;
    struct conf_report *report;
    struct manifest_set *manifests = settings_load_options(settings, &load);
    if (!manifests)
        return EXIT_TROUBLE;
    load.lenient = true;
    load.check = ask;
    load.check_argument = question;
    struct conf *conf = conf_load(settings->config, &load, &report);
    size_t errors = conf_report_errors(report);
    if (!question->asked)
        conf_report_print(report, CONF_NOTE, stderr);
    else if (!conf)
        fprintf(stderr,
                "impulsectl: %s has %zu error%s, impulsed would not start with it: see impulsectl check\n",
                settings->config, errors, errors == 1 ? "" : "s");
    conf_report_free(report);
    conf_unref(conf);
    manifest_set_free(manifests);
    if (!question->asked)
        return EXIT_TROUBLE;
    return question->answered ? EXIT_GOOD : EXIT_BAD;
}

int command_explain(int argc, char **argv)
{
    static const struct option options[] = {SETTINGS_OPTIONS, {NULL, 0, NULL, 0}};
    struct settings settings;
    int option;
    settings_init(&settings);
    while ((option = getopt_long(argc, argv, "+" SETTINGS_LETTERS, options, NULL)) != -1)
        if (!settings_take(&settings, option, optarg))
            return settings_help(option, help);
    if (optind == argc)
        return settings_help('?', help);
    struct question question = {.words = (const char *const *)argv + optind,
                                .count = (size_t)(argc - optind)};
    return explain(&settings, &question);
}
