/*
 * options: the command line of the load tools, as a table of rows that say where each value goes.
 */
#ifndef IMPULSE_TOOLS_LOAD_OPTIONS_H
#define IMPULSE_TOOLS_LOAD_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum exit_status {
    EXIT_GOOD,   /* done */
    EXIT_BAD,    /* something was lost or failed */
    EXIT_TROUBLE /* it could not be tried */
};

enum option_kind {
    OPTION_FLAG,   /* bool: becomes true */
    OPTION_COUNT,  /* uint64_t: a whole number, or with k or m behind it thousands or millions; at least 1 */
    OPTION_NUMBER, /* double: a number above 0 */
    OPTION_TEXT,   /* const char *: the argument itself */
    OPTION_TAKE    /* a function that looks at the argument */
};

struct option_row {
    const char *name; /* without "--"; NULL ends the table */
    enum option_kind kind;
    size_t offset;        /* of the value in the settings */
    const char *argument; /* what stands for the argument in the help; NULL: there is none */
    const char *help;
    /* For OPTION_TAKE: reads the argument into the value. Returns NULL, or what is wrong with the argument. */
    const char *(*take)(void *value, const char *argument);
};

struct option_set {
    const char *program;
    const char *usage;   /* follows "usage: PROGRAM " */
    const char *closing; /* ends the help */
    const struct option_row *rows;
};

/* Prints the program's name, `what` and `why` as a line on stderr. Returns EXIT_TROUBLE. */
int complain(const char *what, const char *why);

/*
 * Reads argv into the settings. Returns the index of the first operand. Returns -1 and sets *status if the program is
 * to end now: after --help, --version, or a mistake, which has been reported.
 */
int options_read(const struct option_set *set, void *settings, int argc, char **argv, int *status);

/* Reads a whole number, which may end in k or m. Returns false if it is none, or 0. */
bool options_count(const char *text, uint64_t *count);

#endif
