/*
 * impulsectl check: what impulsed -t says. The daemon itself judges, because only it knows what its sockets,
 * modules and account need; this process becomes it.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "tools/daemon.h"

static const char help[] =
    "usage: impulsectl check [-c FILE] [FILE] [--modules DIR] [--lenient]\n"
    "\n"
    "Reads a configuration as impulsed would, prints what was found, and exits with 0 if\n"
    "impulsed would start with it, else with 1.\n"
    "\n" SETTINGS_HELP;

int command_check(int argc, char **argv)
{
    static const struct option options[] = {SETTINGS_OPTIONS, {NULL, 0, NULL, 0}};
    struct settings settings;
    int option;
    settings_init(&settings);
    while ((option = getopt_long(argc, argv, SETTINGS_LETTERS, options, NULL)) != -1)
        if (!settings_take(&settings, option, optarg))
            return settings_help(option, help);
    if (optind + 1 < argc)
        return settings_help('?', help);
    if (optind < argc)
        settings.config = argv[optind];
    const char *daemon = daemon_path();
    execl(daemon, "impulsed", "-t", "-c", settings.config, "--modules", settings.modules,
          settings.lenient ? "--lenient" : NULL, NULL);
    fprintf(stderr, "impulsectl: cannot run %s: %s\n", daemon, strerror(errno));
    return EXIT_TROUBLE;
}
