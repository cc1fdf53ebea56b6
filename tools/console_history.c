/* console_history: see console_history.h. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/mem.h"
#include "tools/console_history.h"

enum {
    REMEMBERED = 1000,           /* commands */
    FILE_SIZE_MAX = 1024 * 1024, /* a larger file is cut down to what is remembered */
};

#define FILE_NAME ".ec_console_history"

/* For its owner only, whatever its mode was. NULL: it cannot be. */
static FILE *open_private(const char *path, int flags)
{
    struct stat status;
    FILE *file = NULL;
    int fd = open(path, flags | O_WRONLY | O_CREAT | O_CLOEXEC | O_NONBLOCK, 0600);
    if (fd < 0)
        return NULL;
    if (fstat(fd, &status) == 0 && S_ISREG(status.st_mode) &&
        ((status.st_mode & 077) == 0 || fchmod(fd, 0600) == 0))
        file = fdopen(fd, flags & O_APPEND ? "a" : "w");
    if (file)
        fseek(file, 0, SEEK_END); /* where libedit looks whether the file has its heading */
    else
        close(fd);
    return file;
}

/* Writes what is in memory in place of the file. */
static void shorten(struct console_history *kept)
{
    HistEvent event;
    char *next = mem_printf("%s.%ld", kept->path, (long)getpid());
    FILE *file = open_private(next, O_EXCL);
    if (file) {
        bool written = history(kept->events, &event, H_SAVE_FP, file) >= 0;
        written = fclose(file) == 0 && written;
        if (!written || rename(next, kept->path) != 0)
            unlink(next);
    }
    free(next);
}

bool console_history_open(struct console_history *kept)
{
    HistEvent event;
    struct stat status;
    const char *home = getenv("HOME");
    *kept = (struct console_history){.events = history_init()};
    if (!kept->events)
        return false;
    history(kept->events, &event, H_SETSIZE, (int)REMEMBERED);
    history(kept->events, &event, H_SETUNIQUE, 1); /* the same command twice in a row is one */
    if (!home || !*home)
        return true;
    kept->path = mem_printf("%s/" FILE_NAME, home);
    if (stat(kept->path, &status) == 0 && S_ISREG(status.st_mode)) {
        history(kept->events, &event, H_LOAD, kept->path);
        if (status.st_size > FILE_SIZE_MAX)
            shorten(kept);
    }
    return true;
}

static bool is_private(const char *line)
{
    return *line == ' ' || strcasestr(line, "passw") || strcasestr(line, "secret");
}

/* Through a history of its own: libedit's H_NSAVE_FP writes one line more than it is asked for. */
static void append(const char *path, const char *line)
{
    HistEvent event;
    History *alone = history_init();
    FILE *file = alone ? open_private(path, O_APPEND) : NULL;
    if (file) {
        history(alone, &event, H_SETSIZE, 1);
        if (history(alone, &event, H_ENTER, line) >= 0)
            history(alone, &event, H_SAVE_FP, file);
        fclose(file);
    }
    if (alone)
        history_end(alone);
}

void console_history_add(struct console_history *kept, const char *line)
{
    HistEvent event;
    if (!is_private(line) && history(kept->events, &event, H_ENTER, line) > 0 && kept->path)
        append(kept->path, line);
}

void console_history_close(struct console_history *kept)
{
    history_end(kept->events);
    free(kept->path);
}
