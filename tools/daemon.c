/* daemon: see daemon.h. */
#include "tools/daemon.h"

#include <fcntl.h>
#include <limits.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

const char *daemon_path(void)
{
    static const char name[] = "impulsed";
    static char path[PATH_MAX + sizeof name];
    ssize_t size = readlink("/proc/self/exe", path, PATH_MAX - 1);
    char *slash = size > 0 ? memrchr(path, '/', (size_t)size) : NULL;
    if (slash) {
        memcpy(slash + 1, name, sizeof name);
        if (access(path, X_OK) == 0)
            return path;
    }
    return IMPULSE_SBIN_DIR "/impulsed";
}

/* Starts it with `output` as its stdout and stderr. -1: it could not be. */
static pid_t start(const struct settings *settings, int output)
{
    const char *const arguments[] = {"impulsed",        "-t",        "-c", settings->config, "--modules",
                                     settings->modules, "--lenient", NULL};
    posix_spawn_file_actions_t actions;
    pid_t pid = -1;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO);
    posix_spawn_file_actions_adddup2(&actions, output, STDERR_FILENO);
    if (posix_spawn(&pid, daemon_path(), &actions, NULL, (char *const *)arguments, environ) != 0)
        pid = -1;
    posix_spawn_file_actions_destroy(&actions);
    return pid;
}

/* What follows ":LINE:COLUMN: " in a line; NULL: it has no such place. *line is where the place begins. */
static char *message_of(char *text, char **line)
{
    for (*line = strchr(text, ':'); *line; *line = strchr(*line + 1, ':')) {
        size_t row = strspn(*line + 1, "0123456789");
        char *column = *line + 1 + row;
        size_t size = *column == ':' ? strspn(column + 1, "0123456789") : 0;
        if (row > 0 && size > 0 && strncmp(column + 1 + size, ": ", 2) == 0)
            return column + 1 + size + 2;
    }
    return NULL;
}

/*
 * "impulsed: FILE:LINE:COLUMN: OPTION: MESSAGE", where it stopped. Certificates, and other files that an
 * option names, are of the machine: they need not be where the report is made.
 */
static void take_end(char *text, daemon_mistake *take, void *closure)
{
    static const char *const of_machine[] = {
        "tls_certificate:", "tls_key:", "tls_client_ca:", "tls_dhparams_file:"};
    char *line, *message = message_of(text, &line);
    if (!message)
        return;
    for (size_t i = 0; i < sizeof of_machine / sizeof *of_machine; i++)
        if (strncmp(message, of_machine[i], strlen(of_machine[i])) == 0)
            return;
    *line = '\0';
    message[strcspn(message, "\n")] = '\0';
    take(closure, false, text, (unsigned)strtoul(line + 1, NULL, 10), message);
}

/* "FILE:LINE:COLUMN: error: MESSAGE"; other warnings are of tables that we have, too, or of the machine. */
static void take_line(char *text, daemon_mistake *take, void *closure)
{
    static const char program[] = "impulsed: ";
    if (strncmp(text, program, sizeof program - 1) == 0) {
        take_end(text + sizeof program - 1, take, closure);
        return;
    }
    static const char error[] = ": error: ", warning[] = ": warning: ", scheme[] = ": warning: scheme ";
    char *message = strstr(text, error);
    bool is_warning = !message;
    if (is_warning)
        message = strstr(text, scheme);
    if (!message)
        return;
    *message = '\0';
    message += (is_warning ? sizeof warning : sizeof error) - 1;
    message[strcspn(message, "\n")] = '\0';
    char *column = strrchr(text, ':');
    if (!column)
        return;
    *column = '\0';
    char *line = strrchr(text, ':');
    if (!line)
        return;
    *line = '\0';
    take(closure, is_warning, text, (unsigned)strtoul(line + 1, NULL, 10), message);
}

bool daemon_find_mistakes(const struct settings *settings, daemon_mistake *take, void *closure)
{
    int ends[2], status;
    if (pipe2(ends, O_CLOEXEC) != 0)
        return false;
    pid_t pid = start(settings, ends[1]);
    close(ends[1]);
    FILE *in = pid > 0 ? fdopen(ends[0], "r") : NULL;
    if (!in) {
        close(ends[0]);
    } else {
        char *line = NULL;
        size_t size = 0;
        while (getline(&line, &size, in) >= 0)
            take_line(line, take, closure);
        free(line);
        fclose(in);
    }
    return pid > 0 && waitpid(pid, &status, 0) == pid && in && WIFEXITED(status) && WEXITSTATUS(status) <= 1;
}
