/*
 * target: see target.h.
 */
#include "tools/load/target.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/un.h>

enum { OWN_FILES = 64 }; /* loops, ledgers, listening sockets */

static const char *read_path(const char *path, struct target *target)
{
    struct sockaddr_un *local = (struct sockaddr_un *)&target->address;
    if (strlen(path) >= sizeof local->sun_path)
        return "the path is too long for a Unix socket";
    local->sun_family = AF_UNIX;
    memcpy(local->sun_path, path, strlen(path) + 1);
    target->size = sizeof *local;
    snprintf(target->host, sizeof target->host, "%s", path);
    return NULL;
}

const char *target_read(const char *text, const char *default_port, struct target *target)
{
    *target = (struct target){0};
    if (*text == '/')
        return read_path(text, target);
    const char *host = text, *end, *port = default_port;
    if (*text == '[') {
        host++;
        end = strchr(text, ']');
        if (!end || (end[1] && end[1] != ':'))
            return "an IPv6 address is written [ADDRESS]:PORT";
        if (end[1])
            port = end + 2;
    } else {
        end = strrchr(text, ':');
        if (end && memchr(text, ':', (size_t)(end - text)))
            end = NULL; /* an IPv6 address alone */
        if (end)
            port = end + 1;
        else
            end = text + strlen(text);
    }
    if ((size_t)(end - host) >= sizeof target->host || end == host)
        return "there is no host in it";
    memcpy(target->host, host, (size_t)(end - host));
    struct addrinfo wanted = {.ai_socktype = SOCK_STREAM}, *found = NULL;
    int failed = getaddrinfo(target->host, port, &wanted, &found);
    if (failed)
        return gai_strerror(failed);
    memcpy(&target->address, found->ai_addr, found->ai_addrlen);
    target->size = found->ai_addrlen;
    freeaddrinfo(found);
    return NULL;
}

bool target_is_local(const struct target *target)
{
    const struct sockaddr_in *v4 = (const struct sockaddr_in *)&target->address;
    const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)&target->address;
    switch (target->address.ss_family) {
    case AF_INET:
        return ntohl(v4->sin_addr.s_addr) >> 24 == 127;
    case AF_INET6:
        return IN6_IS_ADDR_LOOPBACK(&v6->sin6_addr) ||
               (IN6_IS_ADDR_V4MAPPED(&v6->sin6_addr) && v6->sin6_addr.s6_addr[12] == 127);
    default:
        return target->address.ss_family == AF_UNIX;
    }
}

void target_format(const struct sockaddr_storage *address, char text[static TARGET_TEXT])
{
    const struct sockaddr_in *v4 = (const struct sockaddr_in *)address;
    const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)address;
    char host[INET6_ADDRSTRLEN] = "";
    if (address->ss_family == AF_INET) {
        inet_ntop(AF_INET, &v4->sin_addr, host, sizeof host);
        snprintf(text, TARGET_TEXT, "%s:%u", host, ntohs(v4->sin_port));
    } else if (address->ss_family == AF_INET6) {
        inet_ntop(AF_INET6, &v6->sin6_addr, host, sizeof host);
        snprintf(text, TARGET_TEXT, "[%s]:%u", host, ntohs(v6->sin6_port));
    } else {
        snprintf(text, TARGET_TEXT, "%s", ((const struct sockaddr_un *)address)->sun_path);
    }
}

bool target_raise_files(uint64_t connections, uint64_t *most)
{
    struct rlimit limit;
    getrlimit(RLIMIT_NOFILE, &limit);
    if (limit.rlim_cur < connections + OWN_FILES && limit.rlim_cur < limit.rlim_max) {
        limit.rlim_cur = limit.rlim_max;
        setrlimit(RLIMIT_NOFILE, &limit);
    }
    *most = limit.rlim_cur > OWN_FILES ? limit.rlim_cur - OWN_FILES : 0;
    return connections <= *most;
}
