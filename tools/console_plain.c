/*
 * console_plain: console_editor.h without libedit, where configure left it out. The terminal's own line
 * editing is all there is: no history, no completion.
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>
#include "base/buf.h"
#include "base/mem.h"
#include "base/slice.h"
#include "tools/console_editor.h"

struct console_editor {
    struct editor_settings settings;
    struct buf input; /* read, not yet a line that was taken */
    struct buf line;  /* with its continuations and a NUL */
};

struct console_editor *console_editor_open(const struct editor_settings *settings)
{
    struct console_editor *editor = mem_new(struct console_editor);
    editor->settings = *settings;
    return editor;
}

void console_editor_close(struct console_editor *editor)
{
    buf_release(&editor->input);
    buf_release(&editor->line);
    free(editor);
}

static void prompt(const struct console_editor *editor, const char *address)
{
    char now[16];
    time_t seconds = time(NULL);
    struct tm local;
    strftime(now, sizeof now, "%H:%M:%S", localtime_r(&seconds, &local));
    if (buf_size(&editor->line))
        fputs("> ", stdout);
    else
        printf("%s %s> ", now, address);
    fflush(stdout);
}

/* Reads once more. EDITOR_LINE: something came. */
static enum editor_result read_more(struct console_editor *editor)
{
    enum { PART = 4096 };
    struct pollfd fds[] = {{.fd = STDIN_FILENO, .events = POLLIN},
                           {.fd = editor->settings.interrupt_fd, .events = POLLIN}};
    while (poll(fds, 2, -1) < 0)
        if (errno != EINTR)
            return EDITOR_END;
    if (fds[1].revents)
        return EDITOR_CANCELLED;
    ssize_t got = read(STDIN_FILENO, buf_reserve(&editor->input, PART), PART);
    if (got > 0)
        buf_commit(&editor->input, (size_t)got);
    return got > 0 || (got < 0 && errno == EINTR) ? EDITOR_LINE : EDITOR_END;
}

/* Takes the next line of the input, or waits for one. */
static enum editor_result next_line(struct console_editor *editor, struct slice *part)
{
    for (;;) {
        struct slice input = buf_slice(&editor->input);
        const char *end = input.size ? memchr(input.data, '\n', input.size) : NULL;
        if (end) {
            *part = slice_of(input.data, (size_t)(end - input.data));
            return EDITOR_LINE;
        }
        enum editor_result result = read_more(editor);
        if (result == EDITOR_CANCELLED)
            buf_clear(&editor->input);
        if (result != EDITOR_LINE)
            return result;
    }
}

enum editor_result console_editor_read(struct console_editor *editor, const char *address, const char **line)
{
    bool goes_on = true;
    buf_clear(&editor->line);
    while (goes_on) {
        struct slice part;
        prompt(editor, address);
        enum editor_result result = next_line(editor, &part);
        if (result != EDITOR_LINE) {
            putchar('\n');
            return result;
        }
        goes_on = part.size > 0 && part.data[part.size - 1] == '\\';
        buf_append(&editor->line, part.data, part.size - goes_on);
        buf_consume(&editor->input, part.size + 1);
    }
    buf_append(&editor->line, "", 1);
    *line = buf_slice(&editor->line).data;
    return EDITOR_LINE;
}
