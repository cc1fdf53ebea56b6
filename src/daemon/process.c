/*
 * process: background, pidfile, identity, readiness.
 */
#include "daemon/process.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include "base/mem.h"
#include "config.h"
#include "log/paniclog.h"
#ifdef HAVE_SYSTEMD
#include <systemd/sd-daemon.h>
#endif

static int ready_pipe = -1;
static char *pidfile_path;
static int pidfile_fd = -1;

/* ---- background ------------------------------------------------------------------------------ */

static _Noreturn void wait_for_daemon(int from_daemon)
{
    char byte;
    ssize_t got;
    do {
        got = read(from_daemon, &byte, 1);
    } while (got < 0 && errno == EINTR);
    _exit(got == 1 ? 0 : 1);
}

int process_background(void)
{
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) < 0)
        return -errno;
    pid_t child = fork();
    if (child < 0)
        return -errno;
    if (child > 0) {
        close(ends[1]);
        wait_for_daemon(ends[0]);
    }
    close(ends[0]);
    ready_pipe = ends[1];
    if (setsid() < 0)
        return -errno;
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    if (null < 0)
        return -errno;
    dup2(null, STDIN_FILENO);
    dup2(null, STDOUT_FILENO);
    close(null);
    return chdir("/") < 0 ? -errno : 0;
}

/* ---- pidfile --------------------------------------------------------------------------------- */

/*
 * Opens the file that is to hold the process id, but no link to another file, so that a user who may write to its
 * folder cannot make root overwrite a file. Returns -1 with a line in error[] if that fails.
 */
static int open_pidfile(const char *path, char *error, size_t error_size)
{
    struct stat status;
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0644);
    if (fd < 0 && errno == ELOOP)
        snprintf(error, error_size, "pidfile %s is a symbolic link, which is not followed: remove it", path);
    else if (fd < 0)
        snprintf(error, error_size, "cannot write pidfile %s: %s", path, strerror(errno));
    else if (fstat(fd, &status) < 0)
        snprintf(error, error_size, "cannot read pidfile %s: %s", path, strerror(errno));
    else if (!S_ISREG(status.st_mode))
        snprintf(error, error_size, "pidfile %s is not a regular file: nothing is written to it", path);
    else if (status.st_nlink != 1)
        snprintf(error, error_size,
                 "pidfile %s has %ju names (hard links), so that it may be another file: remove it", path,
                 (uintmax_t)status.st_nlink);
    else
        return fd;
    if (fd >= 0)
        close(fd);
    return -1;
}

bool process_pidfile(const char *path, char *error, size_t error_size)
{
    if (!path || !*path)
        return true;
    int fd = open_pidfile(path, error, error_size);
    if (fd < 0)
        return false;
    if (flock(fd, LOCK_EX | LOCK_NB) < 0) {
        snprintf(error, error_size, "pidfile %s is held by a running daemon", path);
        close(fd);
        return false;
    }
    if (ftruncate(fd, 0) < 0 || dprintf(fd, "%ld\n", (long)getpid()) < 0) {
        snprintf(error, error_size, "cannot write pidfile %s: %s", path, strerror(errno));
        close(fd);
        return false;
    }
    pidfile_fd = fd;
    pidfile_path = mem_dup(path);
    return true;
}

void process_pidfile_remove(void)
{
    if (pidfile_fd < 0)
        return;
    if (unlink(pidfile_path) < 0 && ftruncate(pidfile_fd, 0) < 0)
        perror("impulsed: pidfile");
    close(pidfile_fd);
    free(pidfile_path);
    pidfile_fd = -1;
}

/* ---- identity -------------------------------------------------------------------------------- */

/* Without a user in the Security scope: Momentum's own account where there is one (manual, "user"). */
static void usual_identity(struct process_identity *identity)
{
    const char *usual = conf_option_find("user")->default_text;
    struct passwd *entry = geteuid() == 0 ? getpwnam(usual) : NULL;
    if (entry) {
        identity->uid = entry->pw_uid;
        identity->gid = entry->pw_gid;
        identity->change = true;
        snprintf(identity->name, sizeof identity->name, "%s", usual);
    } else if (geteuid() == 0) {
        paniclog(PANIC_WARNING,
                 "running as root: no Security stanza names a user, and there is no account \"%s\"", usual);
    }
}

bool process_identity_resolve(const struct conf *conf, struct process_identity *identity, char *error,
                              size_t error_size)
{
    const struct conf_scope *security = conf_scope_next(conf_root(conf), "security", NULL);
    const struct conf_value *user = security ? conf_scope_value(security, "user") : NULL;
    const struct conf_value *group = security ? conf_scope_value(security, "group") : NULL;
    *identity = (struct process_identity){.uid = getuid(), .gid = getgid()};
    if (!user) {
        usual_identity(identity);
        return true;
    }
    struct passwd *entry = getpwnam(user->text);
    if (!entry) {
        snprintf(error, error_size, "%s:%u: security user \"%s\" does not exist", user->place.file,
                 user->place.line, user->text);
        return false;
    }
    identity->uid = entry->pw_uid;
    identity->gid = entry->pw_gid;
    snprintf(identity->name, sizeof identity->name, "%s", user->text);
    if (group) {
        struct group *found = getgrnam(group->text);
        if (!found) {
            snprintf(error, error_size, "%s:%u: security group \"%s\" does not exist", group->place.file,
                     group->place.line, group->text);
            return false;
        }
        identity->gid = found->gr_gid;
    }
    identity->change = identity->uid != getuid() || identity->gid != getgid();
    if (identity->change && geteuid() != 0) {
        snprintf(error, error_size, "%s:%u: only root can become user \"%s\"", user->place.file,
                 user->place.line, user->text);
        return false;
    }
    return true;
}

bool process_prepare_directory(const char *path, const struct process_identity *identity, char *error,
                               size_t error_size)
{
    char *copy = mem_dup(path);
    bool made = true;
    for (char *slash = copy + 1; made && (slash = strchr(slash, '/')); *slash++ = '/') {
        *slash = '\0';
        made = mkdir(copy, 0755) == 0 || errno == EEXIST;
    }
    bool fresh = made && mkdir(copy, 0750) == 0;
    free(copy);
    if (!made || (!fresh && errno != EEXIST)) {
        snprintf(error, error_size, "cannot create %s: %s", path, strerror(errno));
        return false;
    }
    if (fresh && identity->change && chown(path, identity->uid, identity->gid) < 0) {
        snprintf(error, error_size, "cannot give %s to %s: %s", path, identity->name, strerror(errno));
        return false;
    }
    return true;
}

bool process_drop_root(const struct process_identity *identity, char *error, size_t error_size)
{
    if (!identity->change)
        return true;
    if (initgroups(identity->name, identity->gid) < 0 ||
        setresgid(identity->gid, identity->gid, identity->gid) < 0 ||
        setresuid(identity->uid, identity->uid, identity->uid) < 0) {
        snprintf(error, error_size, "cannot become user %s: %s", identity->name, strerror(errno));
        return false;
    }
    if (identity->uid != 0 && (setuid(0) == 0 || seteuid(0) == 0)) {
        snprintf(error, error_size, "root came back after becoming user %s", identity->name);
        return false;
    }
    return true;
}

/* ---- readiness ------------------------------------------------------------------------------- */

static void notify(const char *state)
{
#ifdef HAVE_SYSTEMD
    sd_notify(0, state);
#else
    (void)state;
#endif
}

void process_ready(void)
{
    notify("READY=1\nSTATUS=receiving");
    if (ready_pipe < 0)
        return;
    int null = open("/dev/null", O_WRONLY | O_CLOEXEC);
    if (null >= 0) {
        dup2(null, STDERR_FILENO);
        close(null);
    }
    if (write(ready_pipe, "1", 1) != 1)
        perror("impulsed: cannot tell the starter");
    close(ready_pipe);
    ready_pipe = -1;
}

void process_reloading(void)
{
    struct timespec now;
    char text[64];
    clock_gettime(CLOCK_MONOTONIC, &now);
    snprintf(text, sizeof text, "RELOADING=1\nMONOTONIC_USEC=%llu",
             (unsigned long long)now.tv_sec * 1000000ull + (unsigned long long)now.tv_nsec / 1000ull);
    notify(text);
}

void process_stopping(void)
{
    notify("STOPPING=1\nSTATUS=finishing what is in flight");
}
