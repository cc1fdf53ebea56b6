/*
 * mapped_file: see mapped_file.h.
 */
#include "spool/mapped_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

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
        if (map == MAP_FAILED)
            error = -errno;
        else
            *file = (struct mapped_file){.bytes = map, .size = (size_t)status.st_size};
    }
    close(fd);
    return error;
}

void mapped_file_close(struct mapped_file *file)
{
    if (file->bytes)
        munmap((void *)(uintptr_t)file->bytes, file->size);
    *file = (struct mapped_file){.size = 0};
}
