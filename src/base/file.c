/* file: see file.h. */
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

static int read_all(int fd, size_t most, struct buf *text)
{
    for (;;) {
        char *room = buf_reserve(text, 1);
        ssize_t got = read(fd, room, text->capacity - text->tail);
        if (got == 0)
            return 0;
        if (got < 0 && errno != EINTR)
            return -errno;
        if (got > 0)
            buf_commit(text, (size_t)got);
        if (buf_size(text) > most)
            return -EFBIG;
    }
}

static int read_file(int fd, size_t most, struct buf *text, struct stat *status)
{
    if (fstat(fd, status) < 0)
        return -errno;
    if (!S_ISREG(status->st_mode))
        return S_ISDIR(status->st_mode) ? -EISDIR : -EINVAL;
    if ((uintmax_t)status->st_size > most)
        return -EFBIG;
    buf_reserve(text, (size_t)status->st_size + 1); /* with room to find the end in */
    return read_all(fd, most, text);
}

int file_read(const char *path, size_t most, struct buf *text, struct stat *status)
{
    struct stat ours;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0)
        return -errno;
    int error = read_file(fd, most, text, status ? status : &ours);
    close(fd);
    return error;
}
