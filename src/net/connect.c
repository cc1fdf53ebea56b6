/*
 * connect: see connect.h.
 */
#include "net/connect.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <string.h>
#include <unistd.h>

static bool bind_source(int fd, const char *text, sa_family_t family)
{
    struct net_addr source;
    struct sockaddr_storage address;
    if (!text)
        return true;
    if (!net_addr_parse(&source, text) || source.family != family)
        return false;
    source.port = 0;
    socklen_t size = net_addr_to_sockaddr(&source, &address);
    int one = 1; /* the port is chosen at connect, by both addresses: more ports for one source */
    setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &one, sizeof one);
    return bind(fd, (struct sockaddr *)&address, size) == 0;
}

/* The descriptor if the connection is made or on its way; else it is closed. */
static int begin(int fd, const struct sockaddr *address, socklen_t size)
{
    if (connect(fd, address, size) == 0 || errno == EINPROGRESS)
        return fd;
    int error = errno;
    close(fd);
    return -error;
}

int connect_begin(const struct net_addr *address, const char *source)
{
    struct sockaddr_storage socket_address;
    int fd = socket(address->family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -errno;
    int one = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    if (!bind_source(fd, source, address->family)) {
        close(fd);
        return -EADDRNOTAVAIL;
    }
    socklen_t size = net_addr_to_sockaddr(address, &socket_address);
    int result = begin(fd, (struct sockaddr *)&socket_address, size);
    return result == -EADDRNOTAVAIL ? -EADDRINUSE : result; /* no port is left: not the source's fault */
}

int connect_begin_unix(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    size_t size = strlen(path);
    if (size >= sizeof address.sun_path)
        return -ENAMETOOLONG;
    memcpy(address.sun_path, path, size);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    return fd < 0 ? -errno : begin(fd, (struct sockaddr *)&address, sizeof address);
}
