/* ask: see ask.h. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>
#include "tools/ask.h"

static const int signals[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP};
enum { SIGNALS = sizeof signals / sizeof signals[0] };

static volatile sig_atomic_t caught;

static void catch (int signal)
{
    caught = signal;
}

/* One byte a read: what follows the line is for who reads the terminal next. */
static bool read_line(int terminal, char *answer, size_t size)
{
    size_t used = 0;
    for (;;) {
        char c;
        ssize_t got = read(terminal, &c, 1);
        if (got < 0 && errno == EINTR && !caught)
            continue;
        if (got <= 0)
            return false;
        if (c == '\n')
            break;
        if (used < size)
            answer[used] = c;
        used++;
    }
    if (used >= size)
        return false;
    answer[used] = '\0';
    return true;
}

static bool converse(int terminal, const char *prompt, bool secret, char *answer, size_t size)
{
    struct termios usual, silent;
    bool answered = write(terminal, prompt, strlen(prompt)) >= 0;
    if (secret && answered && tcgetattr(terminal, &usual) == 0) {
        silent = usual;
        silent.c_lflag = (silent.c_lflag & ~(tcflag_t)ECHO) | ECHONL;
        tcsetattr(terminal, TCSAFLUSH, &silent);
        answered = read_line(terminal, answer, size);
        tcsetattr(terminal, TCSAFLUSH, &usual);
    } else {
        answered = answered && read_line(terminal, answer, size);
    }
    if (!answered && write(terminal, "\n", 1) < 0)
        return false;
    return answered;
}

bool ask_terminal(const char *prompt, bool secret, char *answer, size_t size)
{
    struct sigaction catching = {.sa_handler = catch}, before[SIGNALS];
    int terminal = open("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (terminal < 0)
        return false;
    caught = 0;
    for (int i = 0; i < SIGNALS; i++)
        sigaction(signals[i], &catching, &before[i]);
    bool answered = converse(terminal, prompt, secret, answer, size);
    for (int i = 0; i < SIGNALS; i++)
        sigaction(signals[i], &before[i], NULL);
    close(terminal);
    if (caught)
        raise(caught);
    if (!answered)
        explicit_bzero(answer, size);
    return answered;
}
