/*
 * connection_accept: accepts one connection and classifies the errors of accept(2).
 */
#include "net/connection_accept.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <stdatomic.h>
#include <string.h>
#include "log/paniclog.h"

enum { COMPLAINT_INTERVAL_MS = 60000 };

/*
 * Returns whether an error concerns only one connection, which is gone, or none. accept(2) lists the network
 * errors.
 */
static bool is_passing(int error)
{
    static const int passing[] = {EAGAIN,   EINTR,       ECONNABORTED, EPERM,        EPROTO, ENOPROTOOPT,
                                  ENETDOWN, ENETUNREACH, EHOSTDOWN,    EHOSTUNREACH, ENONET, EOPNOTSUPP};
    for (size_t i = 0; i < sizeof passing / sizeof *passing; i++)
        if (passing[i] == error)
            return true;
    return false;
}

static _Atomic uint64_t failures;

uint64_t connection_accept_failures(void)
{
    return atomic_load_explicit(&failures, memory_order_relaxed);
}

static void complain(struct listen_socket *socket, int error)
{
    atomic_fetch_add_explicit(&failures, 1, memory_order_relaxed);
    if (!panic_rate_allows(&socket->complaints, COMPLAINT_INTERVAL_MS, NULL))
        return;
    const char *advice = error == EMFILE   ? "; raise the process's limit of open files (LimitNOFILE, "
                                             "server_max_file_descriptors)"
                         : error == ENFILE ? "; raise the system's limit of open files (fs.file-max)"
                                           : "";
    paniclog(PANIC_ERROR, "Listen \"%s\": accept: %s%s; connections wait in the kernel", socket->name,
             strerror(error), advice);
}

enum accept_outcome accept_connection(struct listen_socket *socket, struct connection *connection)
{
    struct sockaddr_storage address = {.ss_family = socket->address.family};
    socklen_t size = sizeof address;
    int fd = accept4(socket->fd, (struct sockaddr *)&address, &size, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0) {
        if (is_passing(errno))
            return ACCEPT_NOTHING;
        complain(socket, errno);
        return ACCEPT_FAILED;
    }
    connection->fd = fd;
    net_addr_from_sockaddr(&connection->peer, (struct sockaddr *)&address);
    connection->local = socket->address;
    size = sizeof address;
    if (socket->wildcard && getsockname(fd, (struct sockaddr *)&address, &size) == 0)
        net_addr_from_sockaddr(&connection->local, (struct sockaddr *)&address);
    if (socket->no_delay)
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
    return ACCEPT_CONNECTION;
}
