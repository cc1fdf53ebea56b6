/*
 * words: a command line taken apart. Words are divided and quoted as the configuration language has it
 * (confparse/lexer.l): = ( ) [ ] { } are words of their own, a string stands in double or single quotes.
 * Pure; any thread.
 */
#ifndef IMPULSE_CONTROL_WORDS_H
#define IMPULSE_CONTROL_WORDS_H

#include <stdbool.h>
#include <stddef.h>

struct words {
    const char **items;  /* NUL-terminated, quotes and escapes resolved */
    const char **places; /* where in the line each begins */
    size_t count;
    char *memory; /* holds the items */
};

/*
 * Takes `size` bytes apart. False with the reason in *problem (a literal): a quote that is not closed, a #
 * that does not stand in quotes, a NUL byte. To be released either way.
 */
bool words_split(struct words *words, const char *line, size_t size, const char **problem);
void words_release(struct words *words);

#endif
