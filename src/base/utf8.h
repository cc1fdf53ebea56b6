/*
 * utf8: bytes of unknown encoding, and whether they are UTF-8 (RFC 3629). Pure functions; any thread.
 */
#ifndef IMPULSE_BASE_UTF8_H
#define IMPULSE_BASE_UTF8_H

#include <stddef.h>

/* The length of the well-formed sequence that the `size` bytes at `text` begin with, 1 to 4; 0: they begin
 * with none, or with a NUL. */
size_t utf8_sequence(const char *text, size_t size);
/* A copy, to be freed, in which each byte that belongs to no well-formed sequence is U+FFFD. */
char *utf8_clean(const char *text);

#endif
