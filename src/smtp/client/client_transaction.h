/*
 * client_transaction: one message on an SMTP or LMTP connection: its recipients, its commands, its content.
 * The loop's thread only.
 *
 * A transaction has one recipient, or several envelopes of one body that may share it (envelope_may_share).
 * Each is let go of when its fate is known, which for some is a reply to RCPT, for the others the end; a
 * transaction of which none is left is dead, and only waits for the replies that are on their way.
 */
#ifndef IMPULSE_SMTP_CLIENT_CLIENT_TRANSACTION_H
#define IMPULSE_SMTP_CLIENT_CLIENT_TRANSACTION_H

#include "message/cursor.h"
#include "smtp/client/smtp_client.h"
#include "smtp/client/client_offers.h"
#include "smtp/wire/stuffing.h"
#include "message/envelope.h"
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

enum {
    TRANSACTION_RESPONSE_SIZE = 512, /* bytes of a reply that are kept as an outcome's response */
    /* Recipients whatever max_recipients_per_batch says; bounds what is written before the first reply. */
    TRANSACTION_RECIPIENTS = 1000,
};

struct smtpc_transaction {
    struct envelope *single;
    struct envelope **recipients; /* `count`, NULL where settled; &single, or owned */
    unsigned count, live;         /* live: of them, not settled */
    unsigned asked;               /* RCPTs written */
    unsigned replied;             /* of these, replied to */
    unsigned accepted;            /* of these, accepted */
    unsigned confirmed;           /* recipients that LMTP's replies after the dot have reached */
    struct message_cursor content;
    struct stuffing stuffing;
    enum {
        TRANSACTION_LOADING, /* the first part of the content is being read */
        TRANSACTION_COMMANDS,
        TRANSACTION_CONTENT,
        TRANSACTION_FINAL, /* everything is sent */
    } state;
    bool chunking;  /* content goes with BDAT (RFC 3030), not DATA */
    bool answered;  /* some command of it was replied to */
    bool delivered; /* to some recipient */
    uint64_t sent;  /* bytes of content */
};

/*
 * Takes `count` envelopes (1 to TRANSACTION_RECIPIENTS). `arrived(owner)` is called when transaction_send can
 * go on after the spool made it wait.
 */
void transaction_start(struct smtpc_transaction *transaction, struct smtpc_loop *home,
                       struct envelope *const *envelopes, size_t count, void (*arrived)(void *owner),
                       void *owner);
/* Some recipient that is not settled; they are alike in all but the recipient. Not of a dead transaction. */
const struct envelope *transaction_sample(const struct smtpc_transaction *transaction);
/* Recipient `index`, or NULL when it is settled; it stays the transaction's. */
const struct envelope *transaction_unsettled(const struct smtpc_transaction *transaction, unsigned index);
/* Gives recipient `index`, which is not settled, to the caller. With the last one the content is let go of.
 */
struct envelope *transaction_release(struct smtpc_transaction *transaction, unsigned index);
/* Before the first RCPT: those that are settled by then are no recipients. */
void transaction_forget_settled(struct smtpc_transaction *transaction);

/* Appends "MAIL FROM:<...> ..." with the parameters that the server's offers allow, and one more "RCPT
 * TO:<...>". */
void transaction_write_mail(const struct smtpc_transaction *transaction, const struct offers *offers,
                            struct stream *stream);
void transaction_write_rcpt(struct smtpc_transaction *transaction, const struct offers *offers,
                            struct stream *stream);

/* The server is ready for the content: with BDAT, its command and length go before it. */
void transaction_start_content(struct smtpc_transaction *transaction, struct stream *stream);
/*
 * Writes content to the stream until all of it, end included, is written (1), the socket or the spool makes
 * it wait (0), or the spool fails (a negative errno). The last part stays in the stream's output, unflushed.
 */
int transaction_send(struct smtpc_transaction *transaction, struct stream *stream);

#endif
