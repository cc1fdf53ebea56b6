/*
 * options: see options.h.
 */
#include "tools/load/options.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/mem.h"
#include "config.h"

enum { HELP_COLUMN = 26 };

int complain(const char *what, const char *why)
{
    fprintf(stderr, "%s: %s: %s\n", program_invocation_short_name, what, why);
    return EXIT_TROUBLE;
}

bool options_count(const char *text, uint64_t *count)
{
    char *end;
    errno = 0;
    unsigned long long number = strtoull(text, &end, 10), factor = 1;
    if (*end == 'k')
        factor = 1000;
    else if (*end == 'm')
        factor = 1000000;
    if (*text < '0' || *text > '9' || errno || number == 0 || end[factor > 1] || number > UINT64_MAX / factor)
        return false;
    *count = number * factor;
    return true;
}

static const char *take_number(const char *argument, double *number)
{
    char *end;
    *number = strtod(argument, &end);
    return *argument && !*end && *number > 0 && *number < 1e12 ? NULL : "it is no number above 0";
}

/* NULL, or what is wrong with the argument. */
static const char *take(const struct option_row *row, void *settings, const char *argument)
{
    void *value = (char *)settings + row->offset;
    switch (row->kind) {
    case OPTION_FLAG:
        *(bool *)value = true;
        return NULL;
    case OPTION_COUNT:
        return options_count(argument, value) ? NULL : "it is no whole number above 0";
    case OPTION_NUMBER:
        return take_number(argument, value);
    case OPTION_TEXT:
        *(const char **)value = argument;
        return NULL;
    default:
        return row->take(value, argument);
    }
}

static void print_help(const struct option_set *set, FILE *out)
{
    fprintf(out, "usage: %s %s\n\n", set->program, set->usage);
    for (const struct option_row *row = set->rows; row->name; row++) {
        int width = fprintf(out, "  --%s%s%s", row->name, row->argument ? " " : "",
                            row->argument ? row->argument : "");
        fprintf(out, "%*s%s\n", width < HELP_COLUMN ? HELP_COLUMN - width : 1, "", row->help);
    }
    fprintf(out, "  -V, --version           print the version\n  -h, --help              print this\n%s",
            set->closing);
}

static size_t count_rows(const struct option_row *rows)
{
    size_t count = 0;
    while (rows[count].name)
        count++;
    return count;
}

int options_read(const struct option_set *set, void *settings, int argc, char **argv, int *status)
{
    enum { ROWS = 1000 }; /* getopt's value for the first row */
    size_t count = count_rows(set->rows);
    struct option *known = mem_array(count + 3, sizeof *known);
    known[0] = (struct option){"help", no_argument, NULL, 'h'};
    known[1] = (struct option){"version", no_argument, NULL, 'V'};
    for (size_t i = 0; i < count; i++)
        known[i + 2] =
            (struct option){set->rows[i].name, set->rows[i].argument ? required_argument : no_argument, NULL,
                            (int)(ROWS + i)};
    int operand = -1, option;
    *status = EXIT_GOOD;
    while ((option = getopt_long(argc, argv, "hV", known, NULL)) != -1) {
        const struct option_row *row = option >= ROWS ? &set->rows[option - ROWS] : NULL;
        const char *wrong = row ? take(row, settings, optarg) : NULL;
        if (row && !wrong)
            continue;
        if (wrong)
            fprintf(stderr, "%s: --%s %s: %s\n", set->program, row->name, optarg, wrong);
        if (option == 'h')
            print_help(set, stdout);
        else if (option == 'V')
            printf("%s %s\n", set->program, PACKAGE_VERSION);
        else if (!wrong)
            fprintf(stderr, "%s --help lists the options\n", set->program);
        *status = option == 'h' || option == 'V' ? EXIT_GOOD : EXIT_TROUBLE;
        goto done;
    }
    operand = optind;
done:
    free(known);
    return operand;
}
