/*
 * smtp_client.h: the SMTP and LMTP client's whole face: what src/delivery needs to send mail.
 *
 *   client.c             a connection: greeting, commands, replies
 *   client_transaction.c one message of it
 *   client_command.c     MAIL and RCPT;  client_offers.c  what the server can do
 *   obstacle.c           what a message needs of the server
 *   link.c               connecting to one of several hops
 *   content.c            a message's content
 */
#ifndef IMPULSE_SMTP_CLIENT_SMTP_CLIENT_H
#define IMPULSE_SMTP_CLIENT_SMTP_CLIENT_H

#include "base/pending.h"
#include "dns/dns.h"
#include "queue/queue.h"

struct smtpc_shared { /* what the clients of all loops use; constant while they run */
    struct queue_set *queues;
    struct spool *spool;
    struct pool *swap_in;    /* where content is read back */
    const char *hostname;    /* what EHLO says unless ehlo_hostname is set; borrowed */
    struct pending *outside; /* what pools still do for the clients; borrowed */
};

struct smtpc_loop { /* the clients of one loop; touched by its thread only */
    const struct smtpc_shared *shared;
    struct loop *loop;
    struct resolver *resolver; /* borrowed */
    struct list clients, reads;
    unsigned turn; /* connections opened */
};

/* Prepares; all pointers are borrowed until smtpc_free_all. Main thread, before the loop runs. */
void smtpc_loop_init(struct smtpc_loop *home, const struct smtpc_shared *shared, struct loop *loop,
                     struct resolver *resolver);
/* Opens a connection for the queue, on its loop. `lmtp`: LMTP (RFC 2033); `plain`: HELO at once. */
void smtpc_open(struct smtpc_loop *home, struct queue *queue, bool lmtp, bool plain);
/* Frees all clients of the loop, which has stopped, and what reads of content left behind. */
void smtpc_free_all(struct smtpc_loop *home);

#endif
