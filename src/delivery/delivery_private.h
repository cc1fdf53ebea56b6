/*
 * delivery_private.h: what the files of src/delivery share.
 *
 *   delivery.c     the transport: which method a queue's envelopes go by
 *   method.c       delivery methods of modules
 */
#ifndef IMPULSE_DELIVERY_DELIVERY_PRIVATE_H
#define IMPULSE_DELIVERY_DELIVERY_PRIVATE_H

#include "delivery/delivery.h"
#include "smtp/client/smtp_client.h"

struct delivery_loop { /* touched by its loop's thread only */
    struct delivery *delivery;
    struct loop *loop;
    struct smtpc_loop clients;
    struct list workers;
};

struct delivery {
    struct queue_transport transport;
    struct queue_set *queues;
    struct queue_dependencies dependencies;
    struct smtpc_shared shared;
    char *hostname;
    struct pending outside;       /* what pools still do for us */
    struct content_reader reader; /* for threads of pools, which may block */
    unsigned loop_count;
    struct delivery_loop loops[];
};

/* Hands envelopes of the queue to the module's method, one after the other; method.c. NULL: there is no such.
 */
void method_open(struct delivery_loop *home, struct queue *queue,
                 const struct module_delivery_method *method);
void method_free_all(struct delivery_loop *home);

#endif
