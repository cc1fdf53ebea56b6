/* console_interactive: see console_interactive.h. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>
#include "base/buf.h"
#include "tools/console_editor.h"
#include "tools/console_interactive.h"
#include "tools/console_pager.h"

enum { HELP_MAX = 256 * 1024 };

struct interactive {
    struct console_session *session;
    struct console_pager pager;
    struct buf commands; /* what `help` printed, and a NUL; empty: not asked yet */
    bool leaving;
};

/* ---- commands of the program's own ----------------------------------------------------------- */

static void leave(struct interactive *interactive)
{
    interactive->leaving = true;
}

static void switch_pager(struct interactive *interactive)
{
    interactive->pager.on = !interactive->pager.on;
    printf("The pager is %s.\n", interactive->pager.on ? "on" : "off");
}

static void explain(struct interactive *interactive);

static const struct own_command {
    const char *name, *help;
    void (*run)(struct interactive *interactive);
} own_commands[] = {
    {"\\help", "shows these commands; help shows those of the server", explain},
    {"\\pager", "switches the pager, $PAGER, for output longer than the window, on and off", switch_pager},
    {"\\quit", "leaves the console", leave},
    {"quit", "leaves the console", leave},
    {"exit", "leaves the console", leave},
};
enum { OWN_COMMANDS = sizeof own_commands / sizeof own_commands[0] };

static void explain(struct interactive *interactive)
{
    (void)interactive;
    for (size_t i = 0; i < OWN_COMMANDS; i++)
        printf("%-8s %s\n", own_commands[i].name, own_commands[i].help);
}

static bool run_own(struct interactive *interactive, const char *line)
{
    for (size_t i = 0; i < OWN_COMMANDS; i++)
        if (strcasecmp(line, own_commands[i].name) == 0) {
            own_commands[i].run(interactive);
            return true;
        }
    if (*line != '\\')
        return false;
    printf("There is no such command; \\help shows those that begin so.\n");
    return true;
}

/* ---- commands of the server ------------------------------------------------------------------ */

static void keep_text(void *closure, const char *bytes, size_t size)
{
    struct buf *text = closure;
    if (buf_size(text) + size <= HELP_MAX)
        buf_append(text, bytes, size);
}

/* For the editor. A transaction is not ended by a Tab: without its session nothing is completed. */
static const char *commands_of(void *closure)
{
    struct interactive *interactive = closure;
    struct console_session *session = interactive->session;
    if (buf_size(&interactive->commands) > 0)
        return buf_slice(&interactive->commands).data;
    if (session->in_transaction && !console_client_connected(session->client))
        return "";
    if (console_session_run(session, "help", 4, keep_text, &interactive->commands) != CONSOLE_OK) {
        buf_clear(&interactive->commands);
        return "";
    }
    buf_append(&interactive->commands, "", 1);
    return buf_slice(&interactive->commands).data;
}

#define RULE "##############################################\n"

/* "In this mode, the version of the remote server is displayed at connect time": "Using the System Console".
 */
static void show_version(struct console_session *session)
{
    struct buf version = {0}, clean = {0};
    struct console_cleaner cleaner = {0};
    if (console_session_run(session, "version", 7, keep_text, &version) == CONSOLE_OK) {
        console_clean(&cleaner, buf_slice(&version).data, buf_size(&version), &clean);
        struct slice rest = buf_slice(&clean), line;
        fputs(RULE, stdout);
        while (slice_next(&rest, '\n', &line))
            if (line.size > 0)
                printf("# %.*s\n", (int)line.size, line.data);
        fputs(RULE, stdout);
    }
    buf_release(&version);
    buf_release(&clean);
}

static void run(struct interactive *interactive, const char *line)
{
    console_pager_begin(&interactive->pager);
    console_session_run(interactive->session, line, strlen(line), console_pager_output, &interactive->pager);
    console_pager_end(&interactive->pager);
}

static void forget_interrupts(int interrupt_fd)
{
    char bytes[64];
    while (read(interrupt_fd, bytes, sizeof bytes) > 0) /* it does not block */
        ;
}

bool console_interactive(struct console_session *session, int interrupt_fd)
{
    struct interactive interactive = {.session = session};
    struct editor_settings settings = {commands_of, &interactive, interrupt_fd};
    struct console_editor *editor = console_editor_open(&settings);
    if (!editor)
        return false;
    show_version(session);
    while (!interactive.leaving) {
        const char *line;
        fflush(stdout);
        forget_interrupts(interrupt_fd);
        enum editor_result result =
            console_editor_read(editor, console_client_address(session->client), &line);
        if (result == EDITOR_END)
            break;
        if (result == EDITOR_CANCELLED)
            continue;
        line += strspn(line, " \t");
        if (*line && !run_own(&interactive, line))
            run(&interactive, line);
    }
    console_editor_close(editor);
    buf_release(&interactive.commands);
    return true;
}
