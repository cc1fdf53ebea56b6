/* save: see save.h. */
#include "confparse/save.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct saving {
    char target[PATH_MAX];    /* the file, no symbolic link */
    char directory[PATH_MAX]; /* it is in */
    char beside[PATH_MAX];    /* what is written first; hidden, so that no include of the folder takes it */
    int fd;
    bool exists;
    struct stat old;
};

static bool fail(const char *what, char problem[CONF_SAVE_PROBLEM])
{
    snprintf(problem, CONF_SAVE_PROBLEM, "%s: %s", what, strerror(errno));
    return false;
}

static bool find_target(struct saving *saving, const char *path, char problem[CONF_SAVE_PROBLEM])
{
    saving->exists = realpath(path, saving->target) && stat(saving->target, &saving->old) == 0;
    if (!saving->exists && errno != ENOENT)
        return fail("cannot find it", problem);
    int length = saving->exists ? 0 : snprintf(saving->target, sizeof saving->target, "%s", path);
    if (saving->exists && !S_ISREG(saving->old.st_mode)) {
        snprintf(problem, CONF_SAVE_PROBLEM, "it is not a file");
        return false;
    }
    const char *slash = length < PATH_MAX ? strrchr(saving->target, '/') : NULL;
    const char *name = slash ? slash + 1 : saving->target;
    int above = slash == saving->target ? 1 : slash ? (int)(slash - saving->target) : 1;
    snprintf(saving->directory, sizeof saving->directory, "%.*s", above, slash ? saving->target : ".");
    size_t room = sizeof saving->beside;
    length = length < PATH_MAX ? snprintf(saving->beside, room, "%.*s.%.200s.XXXXXX",
                                          (int)(name - saving->target), saving->target, name)
                               : PATH_MAX;
    if (length < PATH_MAX)
        return true;
    errno = ENAMETOOLONG;
    return fail("cannot write", problem);
}

static bool set_owner(const struct saving *saving, const char *like, char problem[CONF_SAVE_PROBLEM])
{
    struct stat made, other;
    mode_t mode = 0640;
    if (saving->exists)
        mode = saving->old.st_mode & 07777;
    else if (like && stat(like, &other) == 0)
        mode = other.st_mode & 0777;
    if (fstat(saving->fd, &made) != 0)
        return fail("cannot write", problem);
    bool same = !saving->exists || (made.st_uid == saving->old.st_uid && made.st_gid == saving->old.st_gid);
    if (!same && fchown(saving->fd, saving->old.st_uid, saving->old.st_gid) != 0)
        return fail("cannot keep its owner", problem);
    return fchmod(saving->fd, mode) == 0 || fail("cannot keep its mode", problem);
}

static bool write_all(int fd, const char *text, size_t size, char problem[CONF_SAVE_PROBLEM])
{
    while (size) {
        ssize_t wrote = write(fd, text, size);
        if (wrote < 0 && errno == EINTR)
            continue;
        if (wrote < 0)
            return fail("cannot write", problem);
        text += wrote;
        size -= (size_t)wrote;
    }
    return fsync(fd) == 0 || fail("cannot write", problem);
}

/* The rename is durable when the folder is. There is nothing to be done about it when it cannot be synced. */
static void sync_directory(const char *path)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return;
    fsync(fd);
    close(fd);
}

bool conf_save(const char *path, const char *text, size_t size, const char *like, struct stat *status,
               char problem[CONF_SAVE_PROBLEM])
{
    struct saving saving = {.fd = -1};
    if (!find_target(&saving, path, problem))
        return false;
    saving.fd = mkostemp(saving.beside, O_CLOEXEC);
    if (saving.fd < 0)
        return fail("cannot write beside it", problem);
    bool good = set_owner(&saving, like, problem) && write_all(saving.fd, text, size, problem);
    if (good && fstat(saving.fd, status) != 0)
        good = fail("cannot write", problem);
    if (close(saving.fd) != 0 && good)
        good = fail("cannot write", problem);
    if (good && rename(saving.beside, saving.target) != 0)
        good = fail("cannot replace it", problem);
    if (good)
        sync_directory(saving.directory);
    else
        unlink(saving.beside);
    return good;
}
