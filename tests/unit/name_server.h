/*
 * name_server: a DNS server on a thread of its own, for tests of lookups. It answers over UDP on 127.0.0.1, with
 * authority.
 */
#ifndef IMPULSE_TESTS_NAME_SERVER_H
#define IMPULSE_TESTS_NAME_SERVER_H

#include <pthread.h>
#include <stddef.h>

enum { SILENT = -1, NOERROR = 0, SERVFAIL = 2, NXDOMAIN = 3 };

struct zone_row { /* a name without rows does not exist; with rows of other types: no data */
    const char *name;
    int type, code;
    const char *rdata; /* as on the wire */
    size_t size;
};
#define RDATA(bytes) bytes, sizeof(bytes) - 1

struct name_server {
    const struct zone_row *zone;
    size_t count;
    int socket;
    pthread_t thread;
};

/* Starts it and writes a resolv.conf that names it. Rows of type RRSIG go with the type that they cover. */
void name_server_start(struct name_server *server, const struct zone_row *zone, size_t count,
                       const char *resolv_conf);
void name_server_stop(struct name_server *server);

#endif
