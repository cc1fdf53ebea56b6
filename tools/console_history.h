/*
 * console_history: the commands that were typed, in memory for libedit and in a file of the operator's home.
 *
 * Each command is appended to the file at once, so that sessions side by side keep theirs and a kill loses
 * none.
 */
#ifndef IMPULSE_TOOLS_CONSOLE_HISTORY_H
#define IMPULSE_TOOLS_CONSOLE_HISTORY_H

#include <histedit.h>
#include <stdbool.h>

struct console_history {
    History *events; /* libedit's */
    char *path;      /* NULL: nowhere to keep it */
};

/* Reads the file. False when there is no memory. */
bool console_history_open(struct console_history *kept);
/* A line that begins with a space or seems to hold a password is not kept. */
void console_history_add(struct console_history *kept, const char *line);
void console_history_close(struct console_history *kept);

#endif
