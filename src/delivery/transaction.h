/*
 * transaction: one message on an SMTP or LMTP connection: its commands, its content, its fate so far.
 * The loop's thread only.
 */
#ifndef IMPULSE_DELIVERY_TRANSACTION_H
#define IMPULSE_DELIVERY_TRANSACTION_H

#include "delivery/content.h"
#include "delivery/reply.h"
#include "delivery/stuffing.h"
#include "net/stream.h"

enum { /* Momentum's connection stages */
       STAGE_CONNECT = 0,
       STAGE_IDLE = 1,
       STAGE_MAIL = 2,
       STAGE_RCPT = 4,
       STAGE_DATA = 6,
       STAGE_BODY = 8,
       STAGE_CONFIRMATION = 9,
       STAGE_EHLO = 10,
       STAGE_BANNER = 12,
       STAGE_RSET = 13,
};

enum { /* extensions the server offers */
       OFFERS_PIPELINING = 1,
       OFFERS_8BITMIME = 2,
       OFFERS_SIZE = 4,
       OFFERS_SMTPUTF8 = 8,
};

enum { TRANSACTION_RESPONSE_SIZE = 512 };

struct transaction {
    struct envelope *envelope; /* NULL: none */
    struct content content;
    struct stuffing stuffing;
    enum {
        TRANSACTION_LOADING, /* the first part of the content is being read */
        TRANSACTION_COMMANDS,
        TRANSACTION_CONTENT,
        TRANSACTION_FINAL, /* everything is sent */
    } state;
    bool answered; /* some command of it was replied to */
    bool failed;   /* verdict, stage and response are set */
    enum queue_verdict verdict;
    unsigned stage;
    uint64_t sent; /* bytes of content */
    size_t response_size;
    char response[TRANSACTION_RESPONSE_SIZE];
};

/* Takes the envelope. `arrived(owner)` is called when transaction_send can go on after the spool made it
 * wait. */
void transaction_start(struct transaction *transaction, struct delivery_loop *home, struct envelope *envelope,
                       void (*arrived)(void *owner), void *owner);
/* Lets go of everything and gives the envelope back to the caller. */
struct envelope *transaction_end(struct transaction *transaction);

/* Appends "MAIL FROM:<...> ..." with the parameters that the server's offers allow, and "RCPT TO:<...>". */
void transaction_write_mail(const struct transaction *transaction, unsigned offers, struct stream *stream);
void transaction_write_rcpt(const struct transaction *transaction, struct stream *stream);

/* Notes a failure; the first one counts. */
void transaction_fail(struct transaction *transaction, enum queue_verdict verdict, unsigned stage,
                      struct slice response);
/* The same from a reply: 5xx is permanent, anything else transient. */
void transaction_refuse(struct transaction *transaction, unsigned stage, const struct reply *reply);

/*
 * Writes content to the stream until all of it, end included, is written (1), the socket or the spool makes
 * it wait (0), or the spool fails (a negative errno). The last part stays in the stream's output, unflushed.
 */
int transaction_send(struct transaction *transaction, struct stream *stream);

#endif
