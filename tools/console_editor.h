/*
 * console_editor: lines from an operator at a terminal, with libedit: editing, a history that stays,
 * completion.
 *
 * Keys are libedit's own, and ~/.editrc changes them (Momentum 4 manual, "Key Binding Reference for
 * ec_console"). The history is ~/.ec_console_history, for its owner only. A line that begins with a space or
 * that seems to hold a password is not kept.
 */
#ifndef IMPULSE_TOOLS_CONSOLE_EDITOR_H
#define IMPULSE_TOOLS_CONSOLE_EDITOR_H

#include <stdbool.h>
#include <stddef.h>

enum editor_result { EDITOR_LINE, EDITOR_CANCELLED, EDITOR_END };

struct console_editor;

struct editor_settings {
    /* The commands, one a line, for completion: NUL-terminated, valid until the next call. Asked for at Tab.
     */
    const char *(*commands)(void *closure);
    void *closure;
    int interrupt_fd; /* readable: the line is cancelled; not read by the editor */
};

/* One at a time: libedit has the terminal. NULL when the terminal cannot be used. */
struct console_editor *console_editor_open(const struct editor_settings *settings);
void console_editor_close(struct console_editor *editor);

/*
 * Reads one command; a line that ends in a backslash goes on in the next. *line is without its newline,
 * NUL-terminated, and valid until the next call. CANCELLED: by Ctrl-C; END: by Ctrl-D.
 */
enum editor_result console_editor_read(struct console_editor *editor, const char *address, const char **line);

#endif
