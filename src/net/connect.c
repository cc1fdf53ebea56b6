/*
 * connect: see connect.h.
 */
#include "net/connect.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <string.h>
#include <unistd.h>
#include "base/descriptors.h"

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

/* Returns a socket that may be used, or a negative errno. */
static int make_socket(sa_family_t family)
{
    int fd = socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -errno;
    if (!descriptor_is_kept(fd))
        return fd;
    close(fd);
    return -EMFILE;
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

/*
 * Is there no address from which `address` could be reached, as where IPv6 is switched off? UDP is asked, which does not
 * need a port of TCP.
 */
static bool has_no_source(const struct sockaddr *address, socklen_t size)
{
    int fd = socket(address->sa_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    bool none = fd >= 0 && connect(fd, address, size) != 0 && errno == EADDRNOTAVAIL;
    if (fd >= 0)
        close(fd);
    return none;
}

int connect_begin(const struct net_addr *address, const char *source)
{
    struct sockaddr_storage socket_address;
    int fd = make_socket(address->family);
    if (fd < 0)
        return fd;
    int one = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    if (!bind_source(fd, source, address->family)) {
        close(fd);
        return -EADDRNOTAVAIL;
    }
    socklen_t size = net_addr_to_sockaddr(address, &socket_address);
    int result = begin(fd, (struct sockaddr *)&socket_address, size);
    if (result != -EADDRNOTAVAIL)
        return result;
    bool unreachable = !source && has_no_source((struct sockaddr *)&socket_address, size);
    return unreachable ? -ENETUNREACH : -EADDRINUSE; /* no port is left: not the source's fault */
}

int connect_begin_unix(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    size_t size = strlen(path);
    if (size >= sizeof address.sun_path)
        return -ENAMETOOLONG;
    memcpy(address.sun_path, path, size);
    int fd = make_socket(AF_UNIX);
    return fd < 0 ? fd : begin(fd, (struct sockaddr *)&address, sizeof address);
}
