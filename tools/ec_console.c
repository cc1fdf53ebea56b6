/*
 * ec_console: the console's client for operators and scripts, as Momentum's (Momentum 4 manual, "ec_console",
 * "Using the System Console").
 *
 * At a terminal without a command it is interactive; else it is in batch mode: the command of the command
 * line, or one a line from stdin. What the server answers goes to stdout and nothing else does.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>
#include "config.h"
#include "tools/ask.h"
#include "tools/console_interactive.h"
#include "tools/console_print.h"
#include "tools/console_words.h"

enum exit_status { EXIT_OK, EXIT_REFUSED, EXIT_TROUBLE };
enum { LOGIN_ATTEMPTS = 3 };

static const char usage[] =
    "usage: ec_console [-t SECONDS] [ADDRESS [COMMAND...]]\n"
    "  ADDRESS       /tmp/2025 (the default), [user@]host:port, [user@][::1]:port,\n"
    "                ssh://[user@]host/[user@]host:port\n"
    "  COMMAND       is run, and its output printed; without it, commands are read from the\n"
    "                terminal, or from stdin, one a line\n"
    "  -t SECONDS    how long to wait for an answer\n"
    "  --man         shows the manual page\n"
    "  -V, --version prints the version\n"
    "  -h, --help    prints this\n";

/* ---- Ctrl-C at a terminal ----------------------------------------------------------------------------- */

static int interrupt_pipe[2] = {-1, -1};

static void note_interrupt(int signal)
{
    int saved = errno;
    (void)signal;
    if (write(interrupt_pipe[1], "", 1) < 0) {
        /* it is full: noted already */
    }
    errno = saved;
}

/* From here on Ctrl-C ends what the program waits for, and not the program. */
static bool take_interrupts(void)
{
    struct sigaction noting = {.sa_handler = note_interrupt};
    return pipe2(interrupt_pipe, O_CLOEXEC | O_NONBLOCK) == 0 && sigaction(SIGINT, &noting, NULL) == 0;
}

/* ---- batch mode --------------------------------------------------------------------------------------- */

static enum exit_status exit_status_of(enum console_status status)
{
    return status == CONSOLE_OK ? EXIT_OK : status == CONSOLE_REFUSED ? EXIT_REFUSED : EXIT_TROUBLE;
}

static enum exit_status run_line(struct console_session *session, const char *line, size_t size)
{
    struct console_printer printer;
    console_printer_init(&printer, stdout);
    enum console_status status = console_session_run(session, line, size, console_print, &printer);
    if (fflush(stdout) != 0) {
        fprintf(stderr, "ec_console: cannot write the output: %s\n", strerror(errno));
        return EXIT_TROUBLE;
    }
    return exit_status_of(status);
}

static enum exit_status run_arguments(struct console_session *session, char **words, int count)
{
    size_t size;
    char *line = console_words_join((const char *const *)words, (size_t)count, &size);
    enum exit_status status = run_line(session, line, size);
    free(line);
    return status;
}

/*
 * Reads a command into *line; a line that ends in a backslash goes on in the next. Its length, or -1 at the
 * end.
 */
static ssize_t read_command(char **line, size_t *capacity, FILE *in)
{
    char *part = NULL;
    size_t part_capacity = 0;
    ssize_t size = getline(line, capacity, in);
    while (size > 0) {
        size -= (*line)[size - 1] == '\n';
        if (size == 0 || (*line)[size - 1] != '\\')
            break;
        size--;
        ssize_t more = getline(&part, &part_capacity, in);
        if (more <= 0)
            break;
        if (*capacity < (size_t)(size + more) + 1) {
            *capacity = (size_t)(size + more) + 1;
            char *grown = realloc(*line, *capacity);
            if (!grown)
                abort();
            *line = grown;
        }
        memcpy(*line + size, part, (size_t)more + 1);
        size += more;
    }
    free(part);
    return size;
}

/* A failed command does not stop those after it; the worst result is the status. */
static enum exit_status run_input(struct console_session *session)
{
    enum exit_status worst = EXIT_OK;
    char *line = NULL;
    size_t capacity = 0;
    for (ssize_t size; worst != EXIT_TROUBLE && (size = read_command(&line, &capacity, stdin)) >= 0;) {
        size_t indent = strspn(line, " \t\r");
        const char *command = line + indent;
        if (indent == (size_t)size || *command == '#')
            continue;
        line[size] = '\0';
        if (strcasecmp(command, "quit") == 0 || strcasecmp(command, "exit") == 0 ||
            strcasecmp(command, "\\quit") == 0)
            break;
        enum exit_status status = run_line(session, command, (size_t)size - indent);
        worst = status > worst ? status : worst;
    }
    free(line);
    return worst;
}

/* ---- starting ----------------------------------------------------------------------------------------- */

static bool ask_operator(void *closure, const char *prompt, bool secret, char *answer, size_t size)
{
    (void)closure;
    return ask_terminal(prompt, secret, answer, size);
}

static enum console_status connect_first(struct console_client *client, bool interactive)
{
    enum console_status status = CONSOLE_DENIED;
    for (int attempt = 0; status == CONSOLE_DENIED && attempt < (interactive ? LOGIN_ATTEMPTS : 1);
         attempt++) {
        status = console_client_connect(client);
        if (status != CONSOLE_OK)
            fprintf(stderr, "ec_console: %s\n", console_client_error(client));
    }
    return status;
}

/* `address` may hold a password, which every user of the machine could read in the list of processes. */
static void warn_of_password(const char *address)
{
    const char *place = strncmp(address, "ssh://", 6) == 0 ? strchr(address + 6, '/') : address;
    const char *at = place && *address != '/' ? strrchr(place, '@') : NULL;
    if (at && memchr(place, ':', (size_t)(at - place)))
        fprintf(stderr,
                "Warning: a password on the command line can be read by everybody on this machine (ps).\n");
}

static enum exit_status run_console(const char *address, char **words, int count, unsigned timeout)
{
    bool interactive = count == 0 && isatty(STDIN_FILENO) && isatty(STDOUT_FILENO);
    enum exit_status status = EXIT_TROUBLE;
    if (interactive && !take_interrupts()) {
        perror("ec_console");
        return EXIT_TROUBLE;
    }
    struct console_settings settings = {
        .ask = ask_operator, .timeout = timeout, .interrupt_fd = interrupt_pipe[0]};
    struct console_session session = {.client = console_client_create(address, &settings)};
    if (connect_first(session.client, interactive) == CONSOLE_OK) {
        if (!interactive)
            status = count ? run_arguments(&session, words, count) : run_input(&session);
        else if (console_interactive(&session, interrupt_pipe[0]))
            status = EXIT_OK;
        else
            fprintf(stderr, "ec_console: the terminal cannot be used\n");
    }
    console_client_free(session.client);
    return status;
}

static int show_manual(void)
{
    execlp("man", "man", "ec_console", (char *)NULL);
    fprintf(stderr, "ec_console: man: %s\n", strerror(errno));
    return EXIT_TROUBLE;
}

int main(int argc, char **argv)
{
    enum { MANUAL = 256 };
    static const struct option options[] = {{"man", no_argument, NULL, MANUAL},
                                            {"help", no_argument, NULL, 'h'},
                                            {"version", no_argument, NULL, 'V'},
                                            {NULL, 0, NULL, 0}};
    unsigned long timeout = 0;
    char *end;
    setlocale(LC_ALL, "");
    /* "+": options end where the address begins; what follows belongs to the command. */
    for (int option; (option = getopt_long(argc, argv, "+t:hV", options, NULL)) != -1;) {
        switch (option) {
        case 't':
            timeout = strtoul(optarg, &end, 10);
            if (*end || end == optarg || *optarg == '-' || timeout == 0 || timeout > 1000000) {
                fprintf(stderr, "ec_console: -t wants a number of seconds\n%s", usage);
                return EXIT_TROUBLE;
            }
            break;
        case MANUAL:
            return show_manual();
        case 'V':
            puts(PACKAGE_STRING);
            return EXIT_OK;
        case 'h':
            fputs(usage, stdout);
            return EXIT_OK;
        default:
            fputs(usage, stderr);
            return EXIT_TROUBLE;
        }
    }
    const char *address = optind < argc ? argv[optind++] : CONSOLE_DEFAULT_ADDRESS;
    warn_of_password(address);
    return (int)run_console(address, argv + optind, argc - optind, (unsigned)timeout);
}
