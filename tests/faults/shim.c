/*
 * shim: preloaded into impulsed, makes calls to the disk fail as a file of rules says.
 *
 * IMPULSE_FAULT_RULES names the file, which is mapped; the harness (tests/harness/faults.py) changes it while the process
 * runs. Only calls on paths below IMPULSE_FAULT_FOLDER are touched.
 *
 * With IMPULSE_FAULT_SHADOW, a folder, it also records what a power loss would leave: a copy of each file of the folder
 * "impulse" below as of its last sync, and its names as of its last sync (power_loss.c).
 */
#define _GNU_SOURCE
#include "shim.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#define REAL(name) ((__typeof__(&name))real(#name))

static struct fault_rules *rules;
static const char *folder;

static void *real(const char *name)
{
    return dlsym(RTLD_NEXT, name);
}

__attribute__((constructor)) static void begin(void)
{
    const char *path = getenv("IMPULSE_FAULT_RULES");
    folder = getenv("IMPULSE_FAULT_FOLDER");
    int fd = path ? REAL(open)(path, O_RDWR | O_CLOEXEC) : -1;
    if (fd >= 0) {
        void *map = mmap(NULL, sizeof *rules, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
        rules = map == MAP_FAILED ? NULL : map;
        close(fd);
    }
    static char spool[PATH_MAX];
    if (!folder || !getenv("IMPULSE_FAULT_SHADOW"))
        return;
    snprintf(spool, sizeof spool, "%s/impulse", folder);
    shadow_begin(spool, getenv("IMPULSE_FAULT_SHADOW"));
}

/* ---- rules --------------------------------------------------------------------------------------------- */

static uint32_t random_number(void)
{
    uint64_t before = __atomic_load_n(&rules->seed, __ATOMIC_RELAXED), after;
    do
        after = before * 6364136223846793005u + 1442695040888963407u;
    while (
        !__atomic_compare_exchange_n(&rules->seed, &before, after, true, __ATOMIC_RELAXED, __ATOMIC_RELAXED));
    return (uint32_t)(after >> 33);
}

/* The rule that applies to this call now, or NULL. */
static const struct fault_rule *match(enum fault_call call, const char *path)
{
    if (!rules || !__atomic_load_n(&rules->armed, __ATOMIC_ACQUIRE) || !path || !folder ||
        strncmp(path, folder, strlen(folder)) != 0)
        return NULL;
    for (size_t i = 0; i < FAULT_RULES; i++) {
        struct fault_rule *rule = &rules->rules[i];
        if (!(rule->calls & 1u << call) || (*rule->path && !strstr(path, rule->path)))
            continue;
        if (__atomic_load_n(&rule->skip, __ATOMIC_RELAXED) > 0 &&
            __atomic_fetch_sub(&rule->skip, 1, __ATOMIC_RELAXED) > 0)
            continue;
        if (rule->chance < FAULT_ALWAYS && random_number() % FAULT_ALWAYS >= rule->chance)
            continue;
        if (__atomic_fetch_sub(&rule->times, 1, __ATOMIC_RELAXED) <= 0) {
            __atomic_store_n(&rule->times, 0, __ATOMIC_RELAXED);
            continue;
        }
        __atomic_fetch_add(&rules->struck, 1, __ATOMIC_RELAXED);
        return rule;
    }
    return NULL;
}

static const struct fault_rule *match_fd(enum fault_call call, int fd)
{
    char link[40], path[PATH_MAX];
    if (!rules || !__atomic_load_n(&rules->armed, __ATOMIC_ACQUIRE))
        return NULL;
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t size = readlink(link, path, sizeof path - 1);
    path[size > 0 ? size : 0] = '\0';
    return match(call, path);
}

/* Makes the call fail, or, of a write, tells how many bytes it may write. False: as if nothing were. */
static bool strike(const struct fault_rule *rule, size_t *size)
{
    if (!rule)
        return false;
    if (rule->error) {
        errno = (int)rule->error;
        return true;
    }
    if (size && *size > 1)
        *size = 1 + random_number() % (*size - 1);
    return false;
}

/* ---- the calls ----------------------------------------------------------------------------------------- */

ssize_t write(int fd, const void *bytes, size_t size)
{
    if (strike(match_fd(FAULT_WRITE, fd), &size))
        return -1;
    return REAL(write)(fd, bytes, size);
}

ssize_t pwrite(int fd, const void *bytes, size_t size, off_t offset)
{
    if (strike(match_fd(FAULT_PWRITE, fd), &size))
        return -1;
    ssize_t written = REAL(pwrite)(fd, bytes, size, offset);
    shadow_rewrite(fd, offset);
    return written;
}

ssize_t pwrite64(int fd, const void *bytes, size_t size, off_t offset)
{
    return pwrite(fd, bytes, size, offset);
}

ssize_t writev(int fd, const struct iovec *parts, int count)
{
    if (strike(match_fd(FAULT_WRITEV, fd), NULL))
        return -1;
    return REAL(writev)(fd, parts, count);
}

static int sync_with(int fd, enum fault_call call, int (*sync)(int fd))
{
    if (strike(match_fd(call, fd), NULL))
        return -1;
    struct shadow_sync *shadow = shadow_sync_begin(fd);
    int result = sync(fd), error = errno;
    shadow_sync_end(shadow, result == 0);
    errno = error;
    return result;
}

int fdatasync(int fd)
{
    return sync_with(fd, FAULT_FDATASYNC, REAL(fdatasync));
}

int fsync(int fd)
{
    return sync_with(fd, FAULT_FSYNC, REAL(fsync));
}

int ftruncate(int fd, off_t size)
{
    int result = REAL(ftruncate)(fd, size);
    shadow_rewrite(fd, 0);
    return result;
}

int ftruncate64(int fd, off_t size)
{
    return ftruncate(fd, size);
}

int rename(const char *from, const char *to)
{
    if (strike(match(FAULT_RENAME, to), NULL))
        return -1;
    return REAL(rename)(from, to);
}

int mkdir(const char *path, mode_t mode)
{
    if (strike(match(FAULT_MKDIR, path), NULL))
        return -1;
    return REAL(mkdir)(path, mode);
}

static int open_with(const char *path, int flags, mode_t mode,
                     int (*open_it)(const char *path, int flags, ...))
{
    struct stat status;
    bool writes = (flags & O_ACCMODE) != O_RDONLY;
    if (writes && strike(match(FAULT_OPEN, path), NULL))
        return -1;
    bool creates = flags & O_CREAT && (flags & O_TRUNC || stat(path, &status) != 0);
    int fd = open_it(path, flags, mode);
    if (fd >= 0 && creates)
        shadow_create(fd);
    return fd;
}

int open(const char *path, int flags, ...)
{
    va_list arguments;
    va_start(arguments, flags);
    mode_t mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(arguments, mode_t) : 0;
    va_end(arguments);
    return open_with(path, flags, mode, REAL(open));
}

int open64(const char *path, int flags, ...)
{
    va_list arguments;
    va_start(arguments, flags);
    mode_t mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(arguments, mode_t) : 0;
    va_end(arguments);
    return open_with(path, flags, mode, REAL(open64));
}
