/*
 * quote: writing texts so that they are read back as they are, whatever they hold but a NUL. Pure but for the
 * stream; any thread.
 */
#ifndef IMPULSE_CONFPARSE_QUOTE_H
#define IMPULSE_CONFPARSE_QUOTE_H

#include <stdio.h>
#include "confparse/text.h"

/* Is it a word wherever a value, a name or a key may stand, without quotation marks? */
bool conf_is_bare(struct conf_text text);
/* In quotation marks; line ends, marks and backslashes are escaped where they must be. */
void conf_print_quoted(struct conf_text text, FILE *out);
/* Bare if it can stand so. */
void conf_print_word(struct conf_text text, FILE *out);

#endif
