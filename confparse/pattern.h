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
/* The same for an expression without slashes around it. */
void *conf_pattern_compile_bare(const char *expression, char *problem, size_t problem_size);
void conf_pattern_free(void *code);

/* The memory that matching takes, for one match after the other. One thread. */
struct conf_matcher;
struct conf_matcher *conf_matcher_create(void);
void conf_matcher_free(struct conf_matcher *matcher);
/* Does `code` match somewhere in the `size` bytes at `text`? */
bool conf_matcher_matches(struct conf_matcher *matcher, const void *code, const char *text, size_t size);

#endif
