/*
 * impulsectl: looks at configurations, and speaks to a running daemon. One command, one file: this one finds
 * the command and reads what all command lines have in common.
 */
#include "tools/impulsectl.h"

#include <stdio.h>
#include <string.h>
#include "config.h"

static const struct command {
    const char *name;
    int (*run)(int argc, char **argv);
    const char *what;
} commands[] = {
    {"check", command_check, "says whether impulsed would start with a configuration"},
    {"config", command_config, "gives a config command to the running daemon"},
    {"explain", command_explain, "says which value of an option applies, and why"},
    {"migrate", command_migrate, "says what becomes of a Momentum configuration"},
    {"module", command_module, "writes the skeleton of a module"},
    {"reload", command_reload, "has the running daemon read its configuration again"},
    {"spool", command_spool, "checks, copies or rescues the spool"},
    {"status", command_status, "asks the running daemon how it is"},
};

enum { COMMANDS = sizeof commands / sizeof *commands };

static void print_help(FILE *out)
{
    fputs("usage: impulsectl COMMAND [ARGUMENT ...]\n\n", out);
    for (size_t i = 0; i < COMMANDS; i++)
        fprintf(out, "  %-9s %s\n", commands[i].name, commands[i].what);
    fputs("\nimpulsectl COMMAND --help says more; -V prints the version.\n", out);
}

void settings_init(struct settings *settings)
{
    *settings =
        (struct settings){.config = IMPULSE_SYSCONF_DIR "/ecelerity.conf", .modules = manifest_directory()};
}

bool settings_take(struct settings *settings, int option, const char *argument)
{
    switch (option) {
    case 'c':
        settings->config = argument;
        return true;
    case OPTION_MODULES:
        settings->modules = argument;
        return true;
    case OPTION_LENIENT:
        settings->lenient = true;
        return true;
    default:
        return false;
    }
}

int settings_help(int option, const char *help)
{
    fputs(help, option == 'h' ? stdout : stderr);
    return option == 'h' ? EXIT_GOOD : EXIT_TROUBLE;
}

struct manifest_set *settings_load_options(const struct settings *settings, struct conf_load_options *options)
{
    char error[512];
    struct manifest_set *manifests = manifest_set_read(settings->modules, error, sizeof error);
    if (!manifests) {
        fprintf(stderr, "impulsectl: %s\n", error);
        return NULL;
    }
    *options = (struct conf_load_options){.lenient = settings->lenient,
                                          .search_path = IMPULSE_SYSCONF_DIR,
                                          .module_directory = settings->modules};
    options->modules = manifest_set_schemas(manifests, &options->module_count);
    return manifests;
}

bool settings_look(const struct settings *settings,
                   void (*look)(const struct conf *conf, struct conf_report *report, void *argument),
                   void *argument)
{
    struct conf_load_options load;
    struct conf_report *report;
    struct manifest_set *manifests = settings_load_options(settings, &load);
    if (!manifests)
        return false;
    load.lenient = true;
    load.check = look;
    load.check_argument = argument;
    conf_unref(conf_load(settings->config, &load, &report));
    conf_report_free(report);
    manifest_set_free(manifests);
    return true;
}

int main(int argc, char **argv)
{
    const char *name = argc > 1 ? argv[1] : "";
    for (size_t i = 0; i < COMMANDS; i++)
        if (strcmp(name, commands[i].name) == 0)
            return commands[i].run(argc - 1, argv + 1);
    if (strcmp(name, "-V") == 0 || strcmp(name, "--version") == 0) {
        printf("impulsectl %s\n", PACKAGE_VERSION);
        return EXIT_GOOD;
    }
    bool asked = strcmp(name, "-h") == 0 || strcmp(name, "--help") == 0 || strcmp(name, "help") == 0;
    if (*name && !asked)
        fprintf(stderr, "impulsectl: there is no command \"%s\"\n\n", name);
    print_help(asked ? stdout : stderr);
    return asked ? EXIT_GOOD : EXIT_TROUBLE;
}
