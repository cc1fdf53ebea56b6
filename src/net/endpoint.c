/*
 * endpoint: the names of Listen stanzas, and binding to them.
 *
 * Source of the forms: Momentum 4 manual, "Listeners". "*:25" is INADDR_ANY and "[*]:25" the IPv6 wildcard;
 * an IPv6 address stands in brackets.
 */
#include "net/endpoint.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/slice.h"

/* ---- reading --------------------------------------------------------------------------------- */

static bool parse_unix(struct endpoint *endpoint, const char *path, char *error, size_t error_size)
{
    size_t size = strlen(path);
    if (size >= sizeof endpoint->sun.sun_path) {
        snprintf(error, error_size, "the path of a Unix socket has at most %zu bytes, this has %zu",
                 sizeof endpoint->sun.sun_path - 1, size);
        return false;
    }
    endpoint->addr.family = AF_UNIX;
    endpoint->sun.sun_family = AF_UNIX;
    memcpy(endpoint->sun.sun_path, path, size + 1);
    return true;
}

/* The part before the last colon. */
static bool parse_host(struct net_addr *addr, struct slice host)
{
    if (host.size == 0 || slice_equal(host, SLICE_LITERAL("*")))
        return net_addr_parse(addr, "0.0.0.0");
    if (slice_equal(host, SLICE_LITERAL("[*]")))
        return net_addr_parse(addr, "::");
    return (host.data[0] == '[' || !memchr(host.data, ':', host.size)) && net_addr_parse_slice(addr, host);
}

bool endpoint_parse(struct endpoint *endpoint, const char *text, char *error, size_t error_size)
{
    *endpoint = (struct endpoint){0};
    if (text[0] == '/')
        return parse_unix(endpoint, text, error, error_size);
    const char *colon = strrchr(text, ':');
    uint64_t port;
    if (!colon || !slice_to_uint(slice_text(colon + 1), &port)) {
        snprintf(error, error_size,
                 "expected ADDRESS:PORT (\":25\", \"10.0.0.1:25\", \"[::1]:25\") or /PATH");
        return false;
    }
    if (port > UINT16_MAX) {
        snprintf(error, error_size, "a port is at most %d", UINT16_MAX);
        return false;
    }
    if (!parse_host(&endpoint->addr, slice_of(text, (size_t)(colon - text)))) {
        snprintf(error, error_size,
                 "expected an IPv4 address, an IPv6 address in [ ], \"*\" or \"[*]\" before \"%s\"", colon);
        return false;
    }
    endpoint->addr.port = (uint16_t)port;
    return true;
}

/* ---- binding --------------------------------------------------------------------------------- */

/* A listener whose backlog is full answers EAGAIN; whatever is not a clear refusal counts as alive. */
static bool answers(const struct sockaddr_un *sun)
{
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return true;
    bool refused = connect(fd, (const struct sockaddr *)sun, sizeof *sun) < 0 &&
                   (errno == ECONNREFUSED || errno == ENOENT);
    close(fd);
    return !refused;
}

static bool remove_stale(const struct sockaddr_un *sun, char *error, size_t error_size)
{
    struct stat file;
    const char *reason = NULL;
    if (lstat(sun->sun_path, &file) < 0)
        reason = errno == ENOENT ? NULL : strerror(errno);
    else if (!S_ISSOCK(file.st_mode))
        reason = "the file exists and is not a socket";
    else if (answers(sun))
        reason = "another process listens there";
    else if (unlink(sun->sun_path) < 0 && errno != ENOENT)
        reason = strerror(errno);
    if (reason)
        snprintf(error, error_size, "%s", reason);
    return !reason;
}

static bool bind_to(int fd, const void *address, socklen_t size, char *error, size_t error_size)
{
    if (bind(fd, address, size) == 0)
        return true;
    snprintf(error, error_size, "bind: %s", strerror(errno));
    return false;
}

/* Whoever may write in the directory may put a link to some other file in the socket's place. */
bool endpoint_set_mode(const struct endpoint *endpoint, unsigned file_mode)
{
    struct stat file;
    char name[64]; /* by which a descriptor that opened nothing is a file to chmod */
    int fd = open(endpoint->sun.sun_path, O_PATH | O_NOFOLLOW | O_CLOEXEC);
    bool good = fd >= 0 && fstat(fd, &file) == 0;
    if (good && !S_ISSOCK(file.st_mode)) {
        errno = ENOTSOCK;
        good = false;
    }
    snprintf(name, sizeof name, "/proc/self/fd/%d", fd);
    good = good && chmod(name, file_mode & 07777) == 0;
    int error = errno;
    if (fd >= 0)
        close(fd);
    errno = error;
    return good;
}

bool endpoint_bind(const struct endpoint *endpoint, int fd, unsigned file_mode, char *error,
                   size_t error_size)
{
    if (endpoint->addr.family != AF_UNIX) {
        struct sockaddr_storage address;
        socklen_t size = net_addr_to_sockaddr(&endpoint->addr, &address);
        return bind_to(fd, &address, size, error, error_size);
    }
    if (!remove_stale(&endpoint->sun, error, error_size) ||
        !bind_to(fd, &endpoint->sun, sizeof endpoint->sun, error, error_size))
        return false;
    /* Before listen() every connect is refused, so the mode that bind gave the file never lets anybody in. */
    if (!endpoint_set_mode(endpoint, file_mode)) {
        snprintf(error, error_size, "chmod %04o: %s", file_mode & 07777, strerror(errno));
        unlink(endpoint->sun.sun_path);
        return false;
    }
    return true;
}
