/*
 * file_shares: who may have how many of the process's open files.
 *
 * Some are kept for spool, logs, console, resolvers and reload. Of the others, deliveries have half at most, and at
 * most server_max_outbound_connections and its reserve; clients have the rest. So neither strangers nor next hops that
 * stay silent can take what the daemon needs. Main thread.
 */
#ifndef IMPULSE_DAEMON_FILE_SHARES_H
#define IMPULSE_DAEMON_FILE_SHARES_H

#include "confparse/confparse.h"
#include "queue/queue.h"

struct file_shares {
    uint64_t all;         /* that the process may have open; UINT64_MAX: no limit */
    uint64_t kept;        /* for its own */
    uint64_t clients;     /* connections of clients */
    unsigned connections; /* to next hops */
    unsigned reserve;     /* likewise, beyond those, for domains that have none */
};

/* Sets the process's limit: server_max_file_descriptors, or as near as the system lets it. */
void file_limit_set(const struct conf *conf);
/* What follows from the process's limit and the configuration. */
void file_shares_of(const struct conf *conf, struct file_shares *shares);
/* Tells the paniclog of limits in the configuration that do not fit. */
void file_shares_check(const struct conf *conf);
/* Makes connections to next hops, and who accepts, keep to the shares. */
void file_shares_apply(const struct conf *conf, struct queue_set *queues);

#endif
