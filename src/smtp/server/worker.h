/*
 * worker.h: what the SMTP server keeps for each loop it serves on; private to src/smtp/server. The loop's
 * thread only, unless said otherwise.
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
    struct smtp_generation *generation; /* what new sessions get; one reference */
    bool draining;
    struct content_reader reader; /* for hooks on the loop that read messages */
};

struct smtp_server {
    struct spool *spool;
    struct pool *swap_in;         /* where content is read back */
    struct content_reader reader; /* for hooks that may block */
    struct pending outside;       /* what the pool still reads */
    struct smtp_upper upper;
    struct sasl_service *sasl;
    int descriptors;               /* the lowest that no session may have: what is beyond is the spool's */
    struct pool *auth_pool;        /* where steps of an authentication run */
    struct smtps_worker **workers; /* one for each loop of each group that a Listen uses */
    size_t worker_count;
    struct smtp_listen **listens;
    size_t listen_count;
    _Atomic uint64_t sessions; /* open now */
    _Atomic uint64_t pending;  /* sessions, and messages on their way to disk after their client left */
    _Atomic bool draining;
    void (*drained)(void *argument);
    void *drained_argument;
};

/* One more, or one less, thing that a drain has to wait for. Any thread. */
void server_hold(struct smtp_server *server);
void server_release(struct smtp_server *server);

/* The modules of a generation. */
struct module_set *generation_modules(const struct smtp_generation *generation);
/* The policies of a Listen by its listener_endpoint_key, or NULL when the generation has no such Listen. */
struct listen_policies *generation_policies(const struct smtp_generation *generation, const char *key);

/* The Binding_Group stanza that holds that Binding, or NULL. As long as the generation lives. */
const char *generation_binding_group(const struct smtp_generation *generation, const char *binding);

#endif
