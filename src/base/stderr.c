/*
 * stderr: see stderr.h. A pipe that poll reports as writable takes a page without waiting.
 */
#include "base/stderr.h"

#include <errno.h>
#include <poll.h>
#include <sys/types.h>
#include <unistd.h>

enum { WAIT_MS = 1000, AT_ONCE = 4096 };

void stderr_write(const char *bytes, size_t size)
{
    int saved = errno;
    while (size > 0) {
        struct pollfd ready = {.fd = STDERR_FILENO, .events = POLLOUT};
        if (poll(&ready, 1, WAIT_MS) == 0)
            break;
        ssize_t written = write(STDERR_FILENO, bytes, size < AT_ONCE ? size : AT_ONCE);
        if (written < 0 && errno == EINTR)
            continue;
        if (written <= 0)
            break;
        bytes += written;
        size -= (size_t)written;
    }
    errno = saved;
}
