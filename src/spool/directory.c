/*
 * directory: creation and exclusive flocks, of a file in it and of the directory itself: the file may be removed.
 *
 * RocksDB locks as well, but gives its lock up whenever it is reopened, and its message does not say whose it
 * is.
 */
#include "spool/directory.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/mem.h"

enum { DIRECTORY_MODE = 0750, LOCK_MODE = 0640 };

void directory_sync_parent(const char *path)
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
    directory_sync_parent(path);
    return 0;
}

/* 0 or a negative errno. */
static int enter(const char *path)
{
    char *inside = mem_printf("%s/.", path);
    int error = access(inside, X_OK) != 0 ? -errno : 0;
    free(inside);
    return error;
}

/* Creates the directories of the path that are missing. False with the reason in error[]. */
static bool create_path(const char *path, char *error, size_t error_size)
{
    char *part = mem_dup(path);
    int failed = 0;
    for (size_t end = 1; !failed && path[end - 1]; end++) {
        if (path[end] && path[end] != '/')
            continue;
        part[end] = '\0';
        failed = create_one(part);
        const char *what = failed ? "create" : "enter";
        if (!failed)
            failed = enter(part);
        if (failed)
            snprintf(error, error_size, "cannot %s %s as user %ju: %s", what, part, (uintmax_t)geteuid(),
                     strerror(-failed));
        part[end] = path[end];
    }
    free(part);
    return !failed;
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

/* 0 or a negative errno. Where a file system cannot lock directories, the file in it has to do. */
static int lock_folder(const char *path, struct directory_lock *lock)
{
    lock->folder = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (lock->folder < 0)
        return -errno;
    return flock(lock->folder, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK ? -errno : 0;
}

static int lock_file(const char *path, struct directory_lock *lock)
{
    char *name = mem_printf("%s/lock", path);
    lock->file = open(name, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, LOCK_MODE);
    int error = lock->file < 0 || flock(lock->file, LOCK_EX | LOCK_NB) != 0 ? -errno : 0;
    free(name);
    return error;
}

char *directory_of_spool(const char *spoolbase)
{
    return mem_printf("%s/impulse", spoolbase);
}

bool directory_lock(const char *path, struct directory_lock *lock, char *error, size_t error_size)
{
    *lock = (struct directory_lock){.file = -1, .folder = -1};
    char reason[512];
    if (!create_path(path, reason, sizeof reason)) {
        snprintf(error, error_size, "spool %s: %s", path, reason);
        return false;
    }
    int failed = lock_file(path, lock);
    int folder_failed = lock_folder(path, lock);
    if (!failed)
        failed = folder_failed;
    if (!failed) {
        write_holder(lock->file);
        return true;
    }
    if (failed == -EWOULDBLOCK)
        snprintf(error, error_size, "spool %s: another process (pid %ld) holds it", path,
                 read_holder(lock->file));
    else
        snprintf(error, error_size, "spool %s: cannot lock it: %s", path, strerror(-failed));
    directory_unlock(lock);
    return false;
}

void directory_unlock(struct directory_lock *lock)
{
    if (lock->file >= 0)
        close(lock->file);
    if (lock->folder >= 0)
        close(lock->folder);
    *lock = (struct directory_lock){.file = -1, .folder = -1};
}

bool directory_is_locked(const char *path)
{
    char *name = mem_printf("%s/lock", path);
    int fd = open(name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    bool locked = fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK;
    if (fd >= 0)
        close(fd);
    free(name);
    return locked;
}

bool directory_give(const char *like, const char *path)
{
    struct stat owner;
    DIR *directory = opendir(path);
    bool good = directory && stat(like, &owner) == 0;
    for (struct dirent *entry; good && (entry = readdir(directory));)
        if (strcmp(entry->d_name, "..") != 0)
            good = fchownat(dirfd(directory), entry->d_name, owner.st_uid, owner.st_gid,
                            AT_SYMLINK_NOFOLLOW) == 0;
    if (directory)
        closedir(directory);
    return good;
}
