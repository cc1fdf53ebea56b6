/*
 * worker.h: the state that the SMTP server keeps for each loop; private to src/smtp/server. On the loop's
 * thread unless stated otherwise.
 */
#ifndef IMPULSE_SMTP_SERVER_WORKER_H
#define IMPULSE_SMTP_SERVER_WORKER_H

#include <stdatomic.h>
#include "base/list.h"
#include "message/cursor.h"
#include "sasl/sasl.h"
#include "smtp/server/server.h"

struct smtps_worker {
    struct smtp_server *server;
    struct loop *loop;
    struct list sessions;
    struct smtp_generation *generation; /* for new sessions; one reference */
    bool draining;
    uint64_t held;                /* bytes that content holds while it arrives: transaction_memory.c */
    int64_t uncounted;            /* of these, what the budget does not know of yet */
    unsigned turns;               /* sessions that are read although they hold too much */
    struct content_reader reader; /* for hooks on the loop that read messages */
};

struct smtp_server {
    struct spool *spool;
    struct pool *swap_in;         /* reads content back */
    struct content_reader reader; /* for hooks that may block */
    struct pending outside;       /* reads in progress on the pool */
    struct smtp_upper upper;
    struct sasl_service *sasl;
    struct pool *auth_pool;        /* runs the steps of authentications */
    struct smtps_worker **workers; /* one for each loop of each group that a Listen uses */
    size_t worker_count;
    struct smtp_listen **listens;
    size_t listen_count;
    _Atomic uint64_t sessions; /* open now */
    _Atomic uint64_t pending;  /* sessions, and messages being stored after their client left */
    _Atomic bool draining, defers_no_more;
    void (*drained)(void *argument);
    void *drained_argument;
};

/* Increment and decrement the number of things that a drain waits for. Any thread. */
void server_hold(struct smtp_server *server);
void server_release(struct smtp_server *server);

/* Returns the modules of a generation; borrowed. */
struct module_set *generation_modules(const struct smtp_generation *generation);
/*
 * Returns the policies of a Listen by its listener_endpoint_key, or NULL if the generation has no such
 * Listen.
 */
struct listen_policies *generation_policies(const struct smtp_generation *generation, const char *key);

/* Returns the Binding_Group stanza that contains `binding`, or NULL. Valid as long as the generation. */
const char *generation_binding_group(const struct smtp_generation *generation, const char *binding);

#endif
