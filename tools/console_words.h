/*
 * console_words: a command line for the console, made of the words of a shell's command line.
 *
 * The console reads words as the configuration language does (confparse/lexer.l). Each argument arrives as
 * the word or value that the shell gave; three kinds are left as they are, because scripts written for
 * Momentum have them: a command given as one argument ("config reload"), an argument that is quoted already
 * ('"a b"'), and a list or block, which begins and ends with its brackets ("( 10.0.0.1 10.0.0.2 )").
 */
#ifndef IMPULSE_TOOLS_CONSOLE_WORDS_H
#define IMPULSE_TOOLS_CONSOLE_WORDS_H

#include <stddef.h>

/* The line, to be freed, and its length in *size. Never NULL. */
char *console_words_join(const char *const *words, size_t count, size_t *size);

#endif
