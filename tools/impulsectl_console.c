/*
 * impulsectl reload, status and config: commands of the running daemon's console. Where it listens is in the
 * configuration, so an operator need not know it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/mem.h"
#include "tools/ask.h"
#include "tools/console_client.h"
#include "tools/console_print.h"
#include "tools/console_words.h"
#include "tools/impulsectl.h"

#define CONSOLE_HELP                                                                                         \
    "  -s ADDRESS     the console: a Unix socket, [user@]host:port (default: the first Unix\n"               \
    "                 socket of a Control_Listener in the configuration)\n" SETTINGS_HELP

static const char reload_help[] =
    "usage: impulsectl reload [-s ADDRESS] [-c FILE]\n"
    "\n"
    "Has the running daemon read its configuration again. Exits with 0 if it took it; with 1 if it\n"
    "goes on as before, and says why.\n"
    "\n" CONSOLE_HELP;

static const char status_help[] = "usage: impulsectl status [-s ADDRESS] [-c FILE]\n"
                                  "\n"
                                  "Prints what the running daemon says about itself.\n"
                                  "\n" CONSOLE_HELP;

static const char config_help[] =
    "usage: impulsectl config [-s ADDRESS] [-c FILE] ARGUMENT ...\n"
    "\n"
    "Gives a config command to the running daemon: impulsectl config eval blackhole\n"
    "\n" CONSOLE_HELP;

/* ---- where the console is ------------------------------------------------------------------------------ */

static bool is_unix(const struct conf_scope *listen)
{
    const struct conf_value *enable = conf_scope_value(listen, "enable");
    return conf_scope_name(listen)[0] == '/' && !(enable && enable->number == 0);
}

/* Keeps a copy of the first Unix socket of a Control_Listener in *argument. */
static void find_socket(const struct conf *conf, struct conf_report *report, void *argument)
{
    char **found = argument;
    (void)report;
    for (const struct conf_scope *listener = NULL;
         (listener = conf_scope_next(conf_root(conf), "control_listener", listener));)
        for (const struct conf_scope *listen = NULL; (listen = conf_scope_next(listener, "listen", listen));)
            if (!*found && is_unix(listen))
                *found = mem_dup(conf_scope_name(listen));
}

/* The configuration's console, to be freed; NULL after a line on stderr. */
static char *console_of(const struct settings *settings)
{
    char *address = NULL;
    if (!settings_look(settings, find_socket, &address))
        return NULL;
    if (!address)
        fprintf(
            stderr,
            "impulsectl: no Control_Listener with a Unix socket is in %s; name the console with -s ADDRESS\n",
            settings->config);
    return address;
}

/* ---- asking it ----------------------------------------------------------------------------------------- */

/* Asks at the terminal. */
static bool ask_operator(void *closure, const char *prompt, bool secret, char *answer, size_t size)
{
    (void)closure;
    return ask_terminal(prompt, secret, answer, size);
}

static int run(const char *address, const char *const *words, size_t count)
{
    const struct console_settings settings = {.ask = ask_operator, .interrupt_fd = -1};
    struct console_client *client = console_client_create(address, &settings);
    struct console_printer printer;
    size_t size;
    console_printer_init(&printer, stdout);
    char *line = console_words_join(words, count, &size);
    enum console_status status = console_client_connect(client);
    if (status == CONSOLE_OK)
        status = console_client_run(client, line, size, console_print, &printer);
    if (status != CONSOLE_OK && status != CONSOLE_REFUSED)
        fprintf(stderr, "impulsectl: %s: %s\n", console_client_address(client), console_client_error(client));
    free(line);
    console_client_free(client);
    return status == CONSOLE_OK ? EXIT_GOOD : status == CONSOLE_REFUSED ? EXIT_BAD : EXIT_TROUBLE;
}

/*
 * Runs the console command that `first` begins and the arguments of the command line end, of which there must
 * be `least` to `most`.
 */
static int command(int argc, char **argv, const char *first, int least, int most, const char *help)
{
    static const struct option options[] = {SETTINGS_OPTIONS, {NULL, 0, NULL, 0}};
    struct settings settings;
    const char *named = NULL;
    int option;
    settings_init(&settings);
    while ((option = getopt_long(argc, argv, "+s:" SETTINGS_LETTERS, options, NULL)) != -1) {
        if (option == 's')
            named = optarg;
        else if (!settings_take(&settings, option, optarg))
            return settings_help(option, help);
    }
    int given = argc - optind;
    if (given < least || given > most)
        return settings_help('?', help);
    const char **words = mem_array((size_t)given + 2, sizeof *words);
    size_t count = 0;
    words[count++] = first;
    for (int i = optind; i < argc; i++)
        words[count++] = argv[i];
    int status = console_ask(&settings, named, words, count);
    free(words);
    return status;
}

int console_ask(const struct settings *settings, const char *named, const char *const *words, size_t count)
{
    char *address = named ? mem_dup(named) : console_of(settings);
    int status = address ? run(address, words, count) : EXIT_TROUBLE;
    free(address);
    return status;
}

enum { ANY = 1 << 20 };

int command_reload(int argc, char **argv)
{
    return command(argc, argv, "config reload", 0, 0, reload_help);
}

int command_status(int argc, char **argv)
{
    return command(argc, argv, "summary", 0, 0, status_help);
}

int command_config(int argc, char **argv)
{
    return command(argc, argv, "config", 1, ANY, config_help);
}
