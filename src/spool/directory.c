/*
 * directory: creation and an exclusive flock.
 *
 * RocksDB locks as well, but gives its lock up whenever it is reopened, and its message does not say whose it
 * is.
 */
#include "spool/directory.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/mem.h"

enum { DIRECTORY_MODE = 0750, LOCK_MODE = 0640 };

/* Makes the entry of `path` in its parent durable; a mail in a directory that is lost is lost. */
static void sync_parent(const char *path)
{
    char *copy = mem_dup(path);
    int fd = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    free(copy);
    if (fd < 0)
        return;
    fsync(fd);
    close(fd);
}

/* 0, also when it exists, or a negative errno. */
static int create_one(const char *path)
{
    if (mkdir(path, DIRECTORY_MODE) != 0)
        return errno == EEXIST ? 0 : -errno;
    sync_parent(path);
    return 0;
}

/* 0 or a negative errno. */
static int create_path(const char *path)
{
    char *part = mem_dup(path);
    int error = 0;
    for (char *at = part + 1; *at && !error; at++) {
        if (*at != '/')
            continue;
        *at = '\0';
        error = create_one(part);
        *at = '/';
    }
    if (!error)
        error = create_one(part);
    free(part);
    return error;
}

/* The process id that the lock's holder wrote, or 0. */
static long read_holder(int fd)
{
    char text[24];
    ssize_t size = pread(fd, text, sizeof text - 1, 0);
    text[size > 0 ? size : 0] = '\0';
    return strtol(text, NULL, 10);
}

static void write_holder(int fd)
{
    char text[24];
    int size = snprintf(text, sizeof text, "%ld\n", (long)getpid());
    if (ftruncate(fd, 0) != 0 || pwrite(fd, text, (size_t)size, 0) != size)
        return; /* only the message to a second process is poorer for it */
}

int directory_lock(const char *path, char *error, size_t error_size)
{
    int failed = create_path(path);
    if (failed) {
        snprintf(error, error_size, "spool %s: cannot create the directory: %s", path, strerror(-failed));
        return -1;
    }
    char *name = mem_printf("%s/lock", path);
    int fd = open(name, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, LOCK_MODE);
    if (fd < 0)
        snprintf(error, error_size, "spool %s: cannot open %s: %s", path, name, strerror(errno));
    free(name);
    if (fd < 0)
        return -1;
    if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
        if (errno == EWOULDBLOCK)
            snprintf(error, error_size, "spool %s: another process (pid %ld) holds it", path,
                     read_holder(fd));
        else
            snprintf(error, error_size, "spool %s: cannot lock it: %s", path, strerror(errno));
        close(fd);
        return -1;
    }
    write_holder(fd);
    return fd;
}
