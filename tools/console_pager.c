/* console_pager: see console_pager.h. */
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include "tools/console_pager.h"

enum { HELD_MAX = 256 * 1024, DEFAULT_WINDOW = 24 };

static size_t window_lines(void)
{
    struct winsize size;
    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_row > 0)
        return size.ws_row;
    return DEFAULT_WINDOW;
}

static void show_held(struct console_pager *pager, FILE *out)
{
    struct slice held = buf_slice(&pager->held);
    fwrite(held.data, 1, held.size, out);
    buf_release(&pager->held);
}

/* While the program runs, Ctrl-C is its own affair, and so is that it does not read to the end. */
static void start_program(struct console_pager *pager)
{
    const char *name = getenv("PAGER");
    fflush(stdout);
    pager->program = popen(name && *name ? name : "more", "w");
    if (!pager->program) {
        pager->paging = false;
        show_held(pager, stdout);
        return;
    }
    struct sigaction ignore = {.sa_handler = SIG_IGN};
    sigaction(SIGINT, &ignore, &pager->interrupt);
    sigaction(SIGPIPE, &ignore, &pager->broken_pipe);
    show_held(pager, pager->program);
}

void console_pager_begin(struct console_pager *pager)
{
    pager->paging = pager->on;
    pager->lines = 0;
    pager->cleaner = (struct console_cleaner){0};
    pager->window = window_lines();
}

static void take(struct console_pager *pager, const char *bytes, size_t size)
{
    if (pager->program || !pager->paging) {
        fwrite(bytes, 1, size, pager->program ? pager->program : stdout);
        return;
    }
    buf_append(&pager->held, bytes, size);
    for (size_t i = 0; i < size; i++)
        pager->lines += bytes[i] == '\n';
    if (pager->lines >= pager->window || buf_size(&pager->held) > HELD_MAX)
        start_program(pager);
}

void console_pager_output(void *closure, const char *bytes, size_t size)
{
    struct console_pager *pager = closure;
    struct buf clean = {0};
    console_clean(&pager->cleaner, bytes, size, &clean);
    take(pager, buf_slice(&clean).data, buf_size(&clean));
    buf_release(&clean);
}

void console_pager_end(struct console_pager *pager)
{
    if (pager->program) {
        pclose(pager->program);
        pager->program = NULL;
        sigaction(SIGINT, &pager->interrupt, NULL);
        sigaction(SIGPIPE, &pager->broken_pipe, NULL);
    } else if (buf_size(&pager->held) > 0) {
        show_held(pager, stdout);
    }
    fflush(stdout);
}
