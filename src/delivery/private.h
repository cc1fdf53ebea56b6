/*
 * private.h: what the files of src/delivery share.
 *
 *   delivery.c     the transport: which method a queue's envelopes go by
 *   client.c       an SMTP or LMTP client: greeting, commands, replies;  transaction.c  one message of it
 *   command.c      MAIL and RCPT;  offers.c  what the server can do;  obstacle.c  what a message needs of it
 *   link.c         connecting to one of several hops;  hops.c, route.c, dns.c  which those are
 *   content.c      a message's content;  stuffing.c, reply.c  the wire
 *   method.c       delivery methods of modules
 */
#ifndef IMPULSE_DELIVERY_PRIVATE_H
#define IMPULSE_DELIVERY_PRIVATE_H

#include "base/pending.h"
#include "delivery/delivery.h"
#include "delivery/dns.h"

struct delivery_loop { /* touched by its loop's thread only */
    struct delivery *delivery;
    struct loop *loop;
    struct resolver *resolver;
    struct list clients, workers, reads;
    unsigned turn; /* connections opened */
};

struct delivery {
    struct queue_transport transport;
    struct queue_set *queues;
    struct queue_dependencies dependencies;
    struct pool *swap_in;
    char *hostname, *resolv_conf;
    struct pending outside; /* what pools still do for us */
    unsigned loop_count;
    struct delivery_loop loops[];
};

/* Opens a connection for the queue; client.c. `lmtp`: LMTP; `plain`: HELO at once. */
void client_open(struct delivery_loop *home, struct queue *queue, bool lmtp, bool plain);
/* Frees all clients of the loop, which has stopped. */
void client_free_all(struct delivery_loop *home);

/* Hands envelopes of the queue to the module's method, one after the other; method.c. NULL: there is no such.
 */
void method_open(struct delivery_loop *home, struct queue *queue,
                 const struct module_delivery_method *method);
void method_free_all(struct delivery_loop *home);

/* Frees what reads of content left behind; content.c. */
void content_free_all(struct delivery_loop *home);

#endif
