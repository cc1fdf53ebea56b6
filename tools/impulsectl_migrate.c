/* impulsectl migrate: the migration report of a configuration. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>
#include "tools/daemon.h"
#include "tools/migration.h"

static const char help[] =
    "usage: impulsectl migrate FILE [--html OUT] [--json OUT] [--modules DIR]\n"
    "\n"
    "Says what becomes of a Momentum configuration: what must be settled before the cut-over,\n"
    "what works differently, what has no effect, and what is honoured. Mistakes and files that\n"
    "are missing do not stop it. Exits with 0 if the configuration is ready, 1 if it is not yet,\n"
    "2 if FILE cannot be read.\n"
    "\n"
    "  --html OUT     also write the report as one HTML page\n"
    "  --json OUT     also write it as JSON; OUT - is stdout, and then nothing else goes there\n"
    "  --modules DIR  where modules and their manifests are (default " IMPULSE_MODULE_DIR ")\n"
    "  -h, --help     print this\n";

enum { OPTION_HTML = OPTION_OWN, OPTION_JSON };
enum { WIDTH = 80, WIDTH_MAX = 110 }; /* columns; longer lines are hard to read */

struct outputs {
    const char *html, *json; /* paths; NULL: not wanted */
};

static unsigned terminal_width(void)
{
    struct winsize size;
    const char *columns = getenv("COLUMNS");
    unsigned width = columns ? (unsigned)strtoul(columns, NULL, 10) : 0;
    if (!width && ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0)
        width = size.ws_col;
    if (!width)
        width = WIDTH;
    return width < WIDTH_MAX ? width : WIDTH_MAX;
}

static bool write_html(const struct migration *migration, FILE *out)
{
    migration_print_html(migration, out);
    return true;
}

/* Is there a file at `path` that the report was made of? Then it is not to be written over. */
static bool is_input(const char *path, const struct migration *migration)
{
    struct stat output, input;
    bool same = false;
    if (stat(path, &output) != 0)
        return false;
    for (size_t i = 0; i < migration->file_count && !same; i++)
        same = stat(migration->files[i].path, &input) == 0 && input.st_dev == output.st_dev &&
               input.st_ino == output.st_ino;
    return same;
}

/* Writes one form of the report to `path`. False after a line on stderr. */
static bool write_to(const char *path, const struct migration *migration,
                     bool (*write)(const struct migration *migration, FILE *out))
{
    bool to_stdout = strcmp(path, "-") == 0;
    if (!to_stdout && is_input(path, migration)) {
        fprintf(stderr, "impulsectl: %s was not written: it is a file of the configuration\n", path);
        return false;
    }
    FILE *out = to_stdout ? stdout : fopen(path, "we");
    bool written = out && write(migration, out) && !ferror(out);
    if (out && (to_stdout ? fflush(out) : fclose(out)) != 0)
        written = false;
    if (!written)
        fprintf(stderr, "impulsectl: cannot write %s: %s\n", path, strerror(errno));
    return written;
}

static bool is_stdout(const char *path)
{
    return path && strcmp(path, "-") == 0;
}

static void take_mistake(void *closure, bool warning, const char *file, unsigned line, const char *message)
{
    migration_add_mistake(closure, warning, file, line, message);
}

/* What the tables say, and what the daemon itself finds wrong. */
static struct migration *judge(const struct settings *settings, const struct conf_load_options *load)
{
    struct migration *migration = migration_read(settings->config, load);
    if (migration->readable) {
        migration->judged = daemon_find_mistakes(settings, take_mistake, migration);
        migration_conclude(migration);
    }
    return migration;
}

static int report(const struct settings *settings, const struct outputs *outputs)
{
    struct conf_load_options load;
    struct manifest_set *manifests = settings_load_options(settings, &load);
    if (!manifests)
        return EXIT_TROUBLE;
    struct migration *migration = judge(settings, &load);
    const char *no_colour = getenv("NO_COLOR");
    bool colours = isatty(STDOUT_FILENO) && !(no_colour && *no_colour);
    bool written = true;
    if (!is_stdout(outputs->html) && !is_stdout(outputs->json))
        migration_print_text(migration, terminal_width(), colours, stdout);
    if (outputs->html)
        written = write_to(outputs->html, migration, write_html);
    if (outputs->json)
        written = write_to(outputs->json, migration, migration_print_json) && written;
    int status = migration->ready ? EXIT_GOOD : EXIT_BAD;
    if (!migration->readable || !written)
        status = EXIT_TROUBLE;
    migration_free(migration);
    manifest_set_free(manifests);
    return status;
}

int command_migrate(int argc, char **argv)
{
    static const struct option options[] = {SETTINGS_OPTIONS,
                                            {"html", required_argument, NULL, OPTION_HTML},
                                            {"json", required_argument, NULL, OPTION_JSON},
                                            {NULL, 0, NULL, 0}};
    struct settings settings;
    struct outputs outputs = {NULL, NULL};
    int option;
    settings_init(&settings);
    settings.config = NULL;
    while ((option = getopt_long(argc, argv, SETTINGS_LETTERS, options, NULL)) != -1) {
        if (option == OPTION_HTML)
            outputs.html = optarg;
        else if (option == OPTION_JSON)
            outputs.json = optarg;
        else if (!settings_take(&settings, option, optarg))
            return settings_help(option, help);
    }
    if (optind < argc && !settings.config)
        settings.config = argv[optind++];
    if (optind < argc || !settings.config)
        return settings_help('?', help);
    return report(&settings, &outputs);
}
