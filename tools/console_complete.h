/*
 * console_complete: which word may come next in a command. Pure.
 */
#ifndef IMPULSE_TOOLS_CONSOLE_COMPLETE_H
#define IMPULSE_TOOLS_CONSOLE_COMPLETE_H

#include "base/slice.h"

enum { COMPLETIONS_MAX = 128 };

struct completions {
    struct slice words[COMPLETIONS_MAX]; /* different from each other; in `commands` */
    size_t count;
    size_t typed;  /* bytes of the word that are typed already */
    size_t common; /* bytes that all words begin with; at least `typed` if there is a word */
};

/*
 * `commands` is what `help` prints: a line that is not indented begins with the words of a command, which are
 * in lower case, unlike its arguments. `line` is what was typed up to the cursor. Letters are compared
 * folded.
 */
void console_complete(struct slice commands, struct slice line, struct completions *completions);

#endif
