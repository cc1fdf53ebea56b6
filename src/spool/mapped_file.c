/*
 * mapped_file: see mapped_file.h.
 *
 * A mapped page that the disk cannot give ends the process (SIGBUS). So the file is read once before, and such
 * pages are covered with others.
 */
#include "spool/mapped_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum { STEP = 64 * 1024 }; /* a multiple of every page size */

static bool can_read(int fd, size_t from, size_t size)
{
    char bytes[STEP];
    ssize_t got;
    for (size_t done = 0; done < size; done += (size_t)got) {
        got = pread(fd, bytes, size - done, (off_t)(from + done));
        if (got <= 0)
            return false;
    }
    return true;
}

/* 0 or a negative errno. */
static int cover_page(struct mapped_file *file, size_t from, size_t size)
{
    char *at = (char *)(uintptr_t)file->bytes + from;
    if (mmap(at, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == MAP_FAILED)
        return -errno;
    memset(at, MAPPED_FILE_UNREADABLE, size);
    file->unreadable += size;
    return 0;
}

static int cover_what_is_unreadable(struct mapped_file *file, int fd)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    int error = 0;
    for (size_t from = 0; !error && from < file->size; from += STEP) {
        size_t end = file->size - from < STEP ? file->size : from + STEP;
        if (can_read(fd, from, end - from))
            continue;
        for (size_t at = from; !error && at < end; at += page) {
            size_t size = end - at < page ? end - at : page;
            if (!can_read(fd, at, size))
                error = cover_page(file, at, size);
        }
    }
    return error;
}

int mapped_file_open(struct mapped_file *file, const char *path)
{
    struct stat status;
    *file = (struct mapped_file){.size = 0};
    int fd = open(path, O_RDONLY | O_CLOEXEC), error = 0;
    if (fd < 0)
        return -errno;
    if (fstat(fd, &status) != 0) {
        error = -errno;
    } else if (status.st_size > 0) {
        void *map = mmap(NULL, (size_t)status.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
        if (map == MAP_FAILED) {
            error = -errno;
        } else {
            *file = (struct mapped_file){.bytes = map, .size = (size_t)status.st_size};
            error = cover_what_is_unreadable(file, fd);
        }
    }
    if (error)
        mapped_file_close(file);
    close(fd);
    return error;
}

void mapped_file_close(struct mapped_file *file)
{
    if (file->bytes)
        munmap((void *)(uintptr_t)file->bytes, file->size);
    *file = (struct mapped_file){.size = 0};
}
