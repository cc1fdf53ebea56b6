/* query_option: what the questions about one option share (query.h). Pure; any thread. */
#ifndef IMPULSE_CONFPARSE_QUERY_OPTION_H
#define IMPULSE_CONFPARSE_QUERY_OPTION_H

#include "confparse/path.h"

/* Reads [SCOPE ...] OPTION, all of the words. False after saying on `out` what is wrong. */
bool conf_query_read_option(const struct conf *conf, const char *const *words, size_t count,
                            struct conf_path *path, FILE *out);

/* "Option 'Blackhole' is not set in scope 'Domain "example.com"'." */
void conf_query_print_unset(const struct conf_path *path, FILE *out);

/*
 * OPTION = VALUE and a newline, as the console prints it: a default that says yes or no as 1 or 0, as the
 * manual has it ("Blackhole = 0"), and a value that a file sets as it was written.
 */
void conf_query_print_value(const struct conf_path *path, const struct conf_value *value, unsigned depth,
                            FILE *out);

#endif
