/*
 * endpoint: where a Listen stanza's name says to listen. Private to src/net.
 */
#ifndef IMPULSE_NET_ENDPOINT_H
#define IMPULSE_NET_ENDPOINT_H

#include <stdbool.h>
#include <stddef.h>
#include "net/addr.h"

struct endpoint {
    struct net_addr addr;   /* AF_INET, AF_INET6 or AF_UNIX */
    struct sockaddr_un sun; /* AF_UNIX: the path */
};

/* Reads one of the forms that listener.h names. False with what was expected in error[]. Any thread. */
bool endpoint_parse(struct endpoint *endpoint, const char *text, char *error, size_t error_size);

/*
 * Binds `fd`, a socket of the endpoint's family, and gives a Unix socket its `file_mode`. A Unix socket's
 * file that nobody listens on is replaced. False with the reason in error[].
 */
bool endpoint_bind(const struct endpoint *endpoint, int fd, unsigned file_mode, char *error,
                   size_t error_size);
/* Gives the file of a bound Unix socket its mode. False with errno set, ENOTSOCK: there is another file. */
bool endpoint_set_mode(const struct endpoint *endpoint, unsigned file_mode);

#endif
