/*
 * pattern: names of scopes that are regular expressions. Compiled code may be used by any number of threads.
 */
#ifndef IMPULSE_CONFPARSE_PATTERN_H
#define IMPULSE_CONFPARSE_PATTERN_H

#include <stdbool.h>
#include <stddef.h>

/* Is the name of a Domain or Host a regular expression, "/.../"? */
bool conf_name_is_pattern(const char *name);
/* Compiles such a name into a pcre2_code for conf_pattern_free. NULL with the reason in problem[]. */
void *conf_pattern_compile(const char *name, char *problem, size_t problem_size);
/* Does `code` match somewhere in the `size` bytes at `text`? */
bool conf_pattern_matches(void *code, const char *text, size_t size);
void conf_pattern_free(void *code);

#endif
