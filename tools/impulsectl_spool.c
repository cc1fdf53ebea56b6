/*
 * impulsectl spool: checks, copies and rescues the spool. A backup is made by the daemon when it runs; the others need it
 * stopped.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "base/mem.h"
#include "spool/rescue.h"
#include "tools/impulsectl.h"

static const char help[] =
    "usage: impulsectl spool check [-d DIR] [-c FILE]\n"
    "       impulsectl spool backup [-d DIR] [-c FILE] [-s ADDRESS] TARGET\n"
    "       impulsectl spool restore [-d DIR] [-c FILE] BACKUP\n"
    "       impulsectl spool salvage [-d DIR] [-c FILE] TARGET\n"
    "\n"
    "check     reads all of the spool, and names the files that are damaged and the messages\n"
    "          that are lost\n"
    "backup    copies the spool to a directory that is created; the running daemon is asked to,\n"
    "          and messages come and go meanwhile\n"
    "restore   checks a backup and makes it the spool; there must be none\n"
    "salvage   reads what can be read of a damaged spool, makes a new one of it in TARGET, and\n"
    "          lists what is lost, message by message\n"
    "\n"
    "All but backup need the daemon stopped.\n"
    "\n"
    "  -d DIR         the spool's directory (default: Spoolbase of the configuration)\n"
    "  -s ADDRESS     the running daemon's console, as for \"impulsectl status\"\n" SETTINGS_HELP;

struct spool_line {
    struct settings settings;
    const char *directory, *console;
    char *found; /* Spoolbase of the configuration */
};

/* ---- which spool --------------------------------------------------------------------------------------- */

static void find_spoolbase(const struct conf *conf, struct conf_report *report, void *argument)
{
    char **found = argument;
    struct conf_chain chain;
    (void)report;
    conf_chain_global(&chain, conf);
    free(*found);
    *found = mem_dup(conf_chain_text(&chain, "spoolbase"));
}

/* The spool's directory, or NULL after a line on stderr. */
static const char *spoolbase_of(struct spool_line *line)
{
    if (line->directory)
        return line->directory;
    if (!line->found && settings_look(&line->settings, find_spoolbase, &line->found) && !line->found)
        fprintf(stderr, "impulsectl: %s cannot be read; name the spool with -d DIR\n", line->settings.config);
    return line->found;
}

/* False after a line on stderr. */
static bool is_free(const char *spoolbase)
{
    if (!rescue_is_used(spoolbase))
        return true;
    fprintf(stderr, "impulsectl: the spool in %s is in use: stop impulsed first\n", spoolbase);
    return false;
}

static int status_of(enum rescue_result result)
{
    return result == RESCUE_GOOD ? EXIT_GOOD : result == RESCUE_DAMAGE ? EXIT_BAD : EXIT_TROUBLE;
}

/* ---- the commands -------------------------------------------------------------------------------------- */

static int check(const struct spool_line *line, const char *spoolbase, const char *argument)
{
    (void)line, (void)argument;
    return is_free(spoolbase) ? status_of(rescue_check(spoolbase, stdout)) : EXIT_TROUBLE;
}

/* The daemon's working directory is another one, so it is given an absolute path. */
static int ask_for_backup(const struct spool_line *line, const char *target)
{
    char here[4096];
    if (target[0] != '/' && !getcwd(here, sizeof here)) {
        perror("impulsectl");
        return EXIT_TROUBLE;
    }
    char *path = target[0] == '/' ? mem_dup(target) : mem_printf("%s/%s", here, target);
    const char *words[] = {"spool", "backup", path};
    int status = console_ask(&line->settings, line->console, words, sizeof words / sizeof *words);
    free(path);
    return status;
}

static int backup(const struct spool_line *line, const char *spoolbase, const char *target)
{
    if (rescue_is_used(spoolbase))
        return ask_for_backup(line, target);
    return status_of(rescue_backup(spoolbase, target, stdout));
}

static int restore(const struct spool_line *line, const char *spoolbase, const char *from)
{
    (void)line;
    return is_free(spoolbase) ? status_of(rescue_restore(from, spoolbase, stdout)) : EXIT_TROUBLE;
}

static int salvage(const struct spool_line *line, const char *spoolbase, const char *target)
{
    (void)line;
    return is_free(spoolbase) ? status_of(rescue_salvage(spoolbase, target, stdout)) : EXIT_TROUBLE;
}

static const struct {
    const char *name;
    int arguments; /* behind the options */
    int (*run)(const struct spool_line *line, const char *spoolbase, const char *argument);
} commands[] = {
    {"check", 0, check},
    {"backup", 1, backup},
    {"restore", 1, restore},
    {"salvage", 1, salvage},
};

int command_spool(int argc, char **argv)
{
    static const struct option options[] = {SETTINGS_OPTIONS, {NULL, 0, NULL, 0}};
    struct spool_line line = {.directory = NULL};
    int option;
    settings_init(&line.settings);
    while ((option = getopt_long(argc, argv, "d:s:" SETTINGS_LETTERS, options, NULL)) != -1) {
        if (option == 'd')
            line.directory = optarg;
        else if (option == 's')
            line.console = optarg;
        else if (!settings_take(&line.settings, option, optarg))
            return settings_help(option, help);
    }
    const char *name = optind < argc ? argv[optind++] : "";
    size_t i = 0, count = sizeof commands / sizeof *commands;
    while (i < count && strcmp(name, commands[i].name) != 0)
        i++;
    if (i == count || argc - optind != commands[i].arguments)
        return settings_help('?', help);
    const char *spoolbase = spoolbase_of(&line);
    int status = spoolbase ? commands[i].run(&line, spoolbase, argv[optind]) : EXIT_TROUBLE;
    free(line.found);
    return status;
}
