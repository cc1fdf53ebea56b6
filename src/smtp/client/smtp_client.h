/*
 * smtp_client.h: the public interface of the SMTP and LMTP client. src/delivery uses it to send mail.
 *
 *   client.c             a connection: greeting, commands, replies
 *   client_transaction.c one message on a connection
 *   client_command.c     MAIL and RCPT;  client_offers.c  the extensions that the server offers
 *   obstacle.c           extensions that a message needs and the server lacks
 *   link.c               connects to one of several hops
 */
#ifndef IMPULSE_SMTP_CLIENT_SMTP_CLIENT_H
#define IMPULSE_SMTP_CLIENT_SMTP_CLIENT_H

#include "base/pending.h"
#include "dns/dns.h"
#include "message/cursor.h"
#include "queue/queue.h"

struct smtpc_shared { /* shared by the clients of all loops; constant while they run */
    struct queue_set *queues;
    struct spool *spool;
    struct pool *swap_in;          /* thread pool that reads content back from the spool */
    struct content_reader *reader; /* one that blocks, for threads of pools; borrowed */
    const char *hostname;          /* name in EHLO unless ehlo_hostname is set; borrowed */
    struct pending *outside;       /* counts the work that pools still do for the clients; borrowed */
};

struct smtpc_loop { /* the clients of one loop; used on its thread only */
    const struct smtpc_shared *shared;
    struct loop *loop;
    struct resolver *resolver; /* borrowed */
    struct list clients;
    struct content_reader reader; /* reads the messages that they send */
    unsigned turn;                /* number of connections opened so far */
};

/* Initialises `home`. All pointers are borrowed until smtpc_free_all. Main thread, before the loop runs. */
void smtpc_loop_init(struct smtpc_loop *home, const struct smtpc_shared *shared, struct loop *loop,
                     struct resolver *resolver);
/*
 * Opens a connection for `queue`. `lmtp`: speak LMTP (RFC 2033). `plain`: send HELO without trying EHLO. The
 * client reports a failed connection with queue_connection_failed and its end with queue_connection_closed.
 * On the loop's thread.
 */
void smtpc_open(struct smtpc_loop *home, struct queue *queue, bool lmtp, bool plain);
/*
 * Frees all clients of the loop and unfinished reads of content; the envelopes go to queue_abandon. The loop
 * must have stopped.
 */
void smtpc_free_all(struct smtpc_loop *home);

#endif
