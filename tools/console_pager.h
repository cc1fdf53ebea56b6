/*
 * console_pager: the output of a command, through $PAGER when it has more lines than the window and the
 * operator wants that (Momentum 4 manual, console command "\pager").
 */
#ifndef IMPULSE_TOOLS_CONSOLE_PAGER_H
#define IMPULSE_TOOLS_CONSOLE_PAGER_H

#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include "base/buf.h"
#include "tools/console_print.h"

struct console_pager { /* zero-initialised: off */
    bool on;
    /* of the command under way: */
    bool paging; /* output is held back, or goes to the program */
    FILE *program;
    struct buf held;
    struct console_cleaner cleaner;
    size_t lines, window;                    /* of held output; of the window */
    struct sigaction interrupt, broken_pipe; /* as they were before the program */
};

void console_pager_begin(struct console_pager *pager);
/* A console_output; the closure is the pager. */
void console_pager_output(void *pager, const char *bytes, size_t size);
/* Shows what is held, or waits until the operator has left the program. */
void console_pager_end(struct console_pager *pager);

#endif
