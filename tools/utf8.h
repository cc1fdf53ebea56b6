/*
 * utf8: configurations may hold bytes of any encoding; what leaves as JSON or HTML must be UTF-8 (RFC 3629).
 */
#ifndef IMPULSE_TOOLS_UTF8_H
#define IMPULSE_TOOLS_UTF8_H

#include <stddef.h>

/* The length of the well-formed sequence at `text`, 1 to 4, which ends before a NUL; 0: there is none. */
size_t utf8_sequence(const char *text);
/* A copy, to be freed, in which each byte that belongs to no well-formed sequence is U+FFFD. */
char *utf8_clean(const char *text);

#endif
