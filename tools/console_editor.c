/* console_editor: see console_editor.h. */
#include <errno.h>
#include <histedit.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <wchar.h>
#include "base/buf.h"
#include "base/mem.h"
#include "tools/console_complete.h"
#include "tools/console_editor.h"
#include "tools/console_history.h"

struct console_editor {
    struct editor_settings settings;
    struct console_history history;
    EditLine *edit;
    char *prompt;    /* shown, owned */
    bool cancelled;  /* since the line was begun */
    mbstate_t bytes; /* of a character that is not whole */
    struct buf line; /* with its continuations and a NUL */
};

static struct console_editor *editor_of(EditLine *edit)
{
    void *editor = NULL;
    el_get(edit, EL_CLIENTDATA, &editor);
    return editor;
}

static char *prompt_of(EditLine *edit)
{
    return editor_of(edit)->prompt;
}

/* ---- keys --------------------------------------------------------------------------------------------- */

/* Waits for a byte. False: the line is over. */
static bool await_key(struct console_editor *editor)
{
    struct pollfd fds[] = {{.fd = STDIN_FILENO, .events = POLLIN},
                           {.fd = editor->settings.interrupt_fd, .events = POLLIN}};
    while (poll(fds, 2, -1) < 0)
        if (errno != EINTR)
            return false;
    editor->cancelled = fds[1].revents != 0;
    return !editor->cancelled;
}

/* Reads a character: 1, 0 at the end, -1 when the line is cancelled. Bytes that are no character are left
 * out. */
static int read_key(EditLine *edit, wchar_t *key)
{
    struct console_editor *editor = editor_of(edit);
    for (;;) {
        char byte;
        if (!await_key(editor))
            return -1;
        ssize_t got = read(STDIN_FILENO, &byte, 1);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return (int)got;
        size_t used = mbrtowc(key, &byte, 1, &editor->bytes);
        if (used == 0 || used == 1)
            return 1;
        if (used == (size_t)-1)
            editor->bytes = (mbstate_t){0};
    }
}

static void show_candidates(const struct completions *found)
{
    putchar('\n');
    for (size_t i = 0; i < found->count; i++)
        printf("%.*s%s", (int)found->words[i].size, found->words[i].data, i + 1 < found->count ? "  " : "\n");
    fflush(stdout);
}

static unsigned char complete(EditLine *edit, int key)
{
    struct console_editor *editor = editor_of(edit);
    const LineInfo *line = el_line(edit);
    struct completions found;
    (void)key;
    struct slice typed = {line->buffer, (size_t)(line->cursor - line->buffer)};
    console_complete(slice_text(editor->settings.commands(editor->settings.closure)), typed, &found);
    if (found.count == 0)
        return CC_ERROR;
    if (found.count > 1 && found.common == found.typed) {
        show_candidates(&found);
        return CC_REDISPLAY;
    }
    char *more = mem_printf("%.*s%s", (int)(found.common - found.typed), found.words[0].data + found.typed,
                            found.count == 1 ? " " : "");
    int inserted = el_insertstr(edit, more);
    free(more);
    return inserted == 0 ? CC_REFRESH : CC_ERROR;
}

/* ---- lines -------------------------------------------------------------------------------------------- */

struct console_editor *console_editor_open(const struct editor_settings *settings)
{
    struct console_editor *editor = mem_new(struct console_editor);
    editor->settings = *settings;
    editor->edit = el_init("ec_console", stdin, stdout, stderr);
    if (!editor->edit || !console_history_open(&editor->history)) {
        if (editor->edit)
            el_end(editor->edit);
        free(editor);
        return NULL;
    }
    EditLine *edit = editor->edit;
    el_set(edit, EL_CLIENTDATA, editor);
    el_set(edit, EL_EDITOR, "emacs");
    el_set(edit, EL_SIGNAL, 1); /* the terminal is as it was when a signal is taken */
    el_set(edit, EL_PROMPT, prompt_of);
    el_set(edit, EL_HIST, history, editor->history.events);
    el_set(edit, EL_GETCFN, read_key);
    el_wset(edit, EL_ADDFN, L"ec-complete", L"Complete the command",
            complete); /* el_set would leak the names */
    el_set(edit, EL_BIND, "^I", "ec-complete", NULL);
    el_source(edit, NULL);
    return editor;
}

void console_editor_close(struct console_editor *editor)
{
    el_end(editor->edit);
    console_history_close(&editor->history);
    buf_release(&editor->line);
    free(editor->prompt);
    free(editor);
}

static void set_prompt(struct console_editor *editor, const char *address)
{
    char now[16];
    time_t seconds = time(NULL);
    struct tm local;
    strftime(now, sizeof now, "%H:%M:%S", localtime_r(&seconds, &local));
    free(editor->prompt);
    editor->prompt = buf_size(&editor->line) ? mem_dup("> ") : mem_printf("%s %s> ", now, address);
}

enum editor_result console_editor_read(struct console_editor *editor, const char *address, const char **line)
{
    struct buf *whole = &editor->line;
    bool goes_on = true;
    buf_clear(whole);
    while (goes_on) {
        int size = 0;
        editor->cancelled = false;
        set_prompt(editor, address);
        el_set(editor->edit, EL_PREP_TERM,
               1); /* before the prompt is there: what it is answered with is a key */
        const char *part = el_gets(editor->edit, &size);
        if (!part || size <= 0) {
            putchar('\n');
            return editor->cancelled ? EDITOR_CANCELLED : EDITOR_END;
        }
        size_t length = strcspn(part, "\n");
        goes_on = length > 0 && part[length - 1] == '\\';
        buf_append(whole, part, goes_on ? length - 1 : length);
    }
    buf_append(whole, "", 1);
    *line = buf_slice(whole).data;
    if (**line)
        console_history_add(&editor->history, *line);
    return EDITOR_LINE;
}
