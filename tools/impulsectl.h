/*
 * impulsectl: what its commands share. Each command is one file of the same shape: a help text, its own
 * options, what it does, an exit status.
 */
#ifndef IMPULSE_TOOLS_IMPULSECTL_H
#define IMPULSE_TOOLS_IMPULSECTL_H

#include <getopt.h>
#include "confparse/confparse.h"
#include "module/manifests.h"

enum exit_status { EXIT_GOOD, EXIT_BAD, EXIT_TROUBLE }; /* done; the answer is no; it could not be asked */

struct settings {        /* what every command line may say, as that of impulsed */
    const char *config;  /* -c FILE */
    const char *modules; /* --modules DIR, else manifest_directory() */
    bool lenient;        /* --lenient */
};

/* For getopt_long: the options of struct settings, -h and --help. Rows of a command's own table. */
enum { OPTION_MODULES = 256, OPTION_LENIENT, OPTION_OWN };
#define SETTINGS_LETTERS "c:h"
#define SETTINGS_OPTIONS                                                                                     \
    {"modules", required_argument, NULL, OPTION_MODULES}, {"lenient", no_argument, NULL, OPTION_LENIENT},    \
    {                                                                                                        \
        "help", no_argument, NULL, 'h'                                                                       \
    }
#define SETTINGS_HELP                                                                                        \
    "  -c FILE        the configuration (default " IMPULSE_SYSCONF_DIR "/ecelerity.conf)\n"                  \
    "  --modules DIR  where modules and their manifests are (default " IMPULSE_MODULE_DIR ")\n"              \
    "  --lenient      options that are not supported are warnings instead of errors\n"                       \
    "  -h, --help     print this\n"

void settings_init(struct settings *settings);
/* Takes one of those options. False: it is another one. */
bool settings_take(struct settings *settings, int option, const char *argument);
/* After an unknown option, or -h: prints `help` where it belongs and returns the exit status. */
int settings_help(int option, const char *help);

/*
 * What conf_load needs to read a configuration as impulsed would. NULL after a line on stderr. Free the set
 * after the last use of *options.
 */
struct manifest_set *settings_load_options(const struct settings *settings,
                                           struct conf_load_options *options);

/* Lets `look` see the configuration; one with mistakes will do, since it may be about to be mended. False after a line on
 * stderr. */
bool settings_look(const struct settings *settings,
                   void (*look)(const struct conf *conf, struct conf_report *report, void *argument),
                   void *argument);

/* Gives the running daemon a console command; `named` is its console, or NULL for that of the configuration. An exit status. */
int console_ask(const struct settings *settings, const char *named, const char *const *words, size_t count);

/* The commands: argv[0] is the command's name. */
int command_check(int argc, char **argv);
int command_explain(int argc, char **argv);
int command_migrate(int argc, char **argv);
int command_module(int argc, char **argv);
int command_spool(int argc, char **argv);
/* The running daemon is asked through its console. */
int command_reload(int argc, char **argv);
int command_status(int argc, char **argv);
int command_config(int argc, char **argv);

#endif
