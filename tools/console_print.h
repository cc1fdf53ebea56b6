/*
 * console_print: the output of commands on its way to a terminal.
 *
 * Names and values in it may come from anybody, and a terminal obeys what it is shown: control characters but
 * the end of a line and the tab become question marks, in UTF-8 as well (U+0080 to U+009F). What goes to a
 * file or a pipe stays as it is.
 */
#ifndef IMPULSE_TOOLS_CONSOLE_PRINT_H
#define IMPULSE_TOOLS_CONSOLE_PRINT_H

#include <stdbool.h>
#include <stdio.h>
#include "base/buf.h"

struct console_cleaner { /* zero-initialised at the beginning of an output */
    bool lead;           /* the byte 0xC2 was seen and is not passed on yet */
};

/* Appends to `clean` what may be shown of the next bytes of an output. */
void console_clean(struct console_cleaner *cleaner, const char *bytes, size_t size, struct buf *clean);

struct console_printer {
    FILE *out;
    bool to_terminal;
    struct console_cleaner cleaner;
};

void console_printer_init(struct console_printer *printer, FILE *out);
/* A console_output; the closure is the printer. */
void console_print(void *printer, const char *bytes, size_t size);

#endif
