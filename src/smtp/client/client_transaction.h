/*
 * client_transaction.h: one message on an SMTP or LMTP connection: its recipients, commands and content. On
 * the loop's thread only.
 *
 * A transaction has one recipient, or several envelopes of one body that may share it (envelope_may_share).
 * Each is released when its outcome is known: for some with the reply to RCPT, for the others at the end. A
 * transaction without unsettled recipients is dead and only waits for outstanding replies.
 */
#ifndef IMPULSE_SMTP_CLIENT_CLIENT_TRANSACTION_H
#define IMPULSE_SMTP_CLIENT_CLIENT_TRANSACTION_H

#include "message/cursor.h"
#include "smtp/client/smtp_client.h"
#include "smtp/client/client_offers.h"
#include "queue/sending.h"
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
    TRANSACTION_RESPONSE_SIZE = 512, /* maximum bytes of a reply kept as an outcome's response */
    /*
     * Maximum recipients, whatever max_recipients_per_batch says; limits what is written before the first
     * reply.
     */
    TRANSACTION_RECIPIENTS = 1000,
};

struct smtpc_transaction {
    struct envelope *single;
    struct envelope **recipients; /* `count` items, NULL if settled; &single, or owned */
    unsigned count, live;         /* live: recipients not settled yet */
    unsigned asked;               /* RCPT commands written */
    unsigned replied;             /* RCPT commands with a reply */
    unsigned accepted;            /* RCPT commands accepted */
    unsigned confirmed;           /* LMTP: recipients that have a reply to the final dot */
    struct sending *sending;      /* asks hooks, which may edit the content; owned; NULL: nobody is asked */
    struct message_cursor content;
    struct stuffing stuffing;
    bool eight_bit; /* the content has a byte above 127 */
    bool utf8;      /* the message needs SMTPUTF8 where its header is not ASCII */
    enum {
        TRANSACTION_LOADING, /* asking hooks, reading the first part of the content */
        TRANSACTION_COMMANDS,
        TRANSACTION_CONTENT,
        TRANSACTION_FINAL, /* everything is sent */
    } state;
    bool chunking;  /* uses BDAT (RFC 3030) instead of DATA */
    bool answered;  /* some command of it has a reply */
    bool delivered; /* delivered to some recipient */
    uint64_t sent;  /* bytes of content sent */
};

/*
 * Begins a transaction with `count` envelopes (1 to TRANSACTION_RECIPIENTS), which it owns until they are
 * released. The array is copied.
 */
void transaction_start(struct smtpc_transaction *transaction, struct envelope *const *envelopes,
                       size_t count);
/*
 * Opens the content, in the form that transaction->sending gave it if there is one, from its beginning.
 * `arrived(owner)` is called when cursor_prepare or transaction_send can continue after a wait for the spool.
 */
void transaction_open_content(struct smtpc_transaction *transaction, struct content_reader *reader,
                              void (*arrived)(void *owner), void *owner);
/*
 * Returns some unsettled recipient; all are alike except for the recipient. The transaction must not be dead.
 */
const struct envelope *transaction_sample(const struct smtpc_transaction *transaction);
/* Returns recipient `index`, or NULL if it is settled. The transaction owns it. */
const struct envelope *transaction_unsettled(const struct smtpc_transaction *transaction, unsigned index);
/*
 * Passes the unsettled recipient `index` to the caller. With the last one, the content is released, and hooks
 * that are still asked are told that nobody waits.
 */
struct envelope *transaction_release(struct smtpc_transaction *transaction, unsigned index);
/* Called before the first RCPT: removes the recipients that are settled by then. */
void transaction_forget_settled(struct smtpc_transaction *transaction);

/* Append "MAIL FROM:<...> ..." with the parameters that the server offers, and the next "RCPT TO:<...>". */
void transaction_write_mail(const struct smtpc_transaction *transaction, const struct offers *offers,
                            struct stream *stream);
void transaction_write_rcpt(struct smtpc_transaction *transaction, const struct offers *offers,
                            struct stream *stream);

/* Called when the server is ready for the content. With BDAT, writes the command with the length first. */
void transaction_start_content(struct smtpc_transaction *transaction, struct stream *stream);
/*
 * Writes content to the stream. Returns 1 when all content and its end are written, 0 if it must wait for the
 * socket or the spool, or a negative errno if the spool fails. The last part stays in the stream's output,
 * unflushed.
 */
int transaction_send(struct smtpc_transaction *transaction, struct stream *stream);

#endif
