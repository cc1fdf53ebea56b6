/*
 * client.h: the struct of an SMTP or LMTP client, shared by the files that implement it. Each file calls only
 * those above it:
 *
 *   client_base.c   expected replies and their deadline; settles recipients; ends the connection
 *   client_send.c   decides what to write next
 *   client_reply.c  handles each reply
 *   client.c        opens a connection and handles its events
 *
 * `expected` lists, in order, the commands that were written and not yet replied to. Each reply goes to the
 * handler of the first kind in that list. After the replies of one read, client_advance writes what can be
 * written, and one system call sends all of it. With PIPELINING (RFC 2920), a busy connection sends for each
 * message
 *
 *     content of message N, its final dot, MAIL, RCPT and DATA of message N + 1
 *
 * and gets four replies: one round trip per message. Therefore at most two transactions exist: `finishing`,
 * whose final dot has no reply yet, and `current`, whose final dot has not been sent.
 *
 * A transaction may have several recipients (max_recipients_per_batch), each an envelope that is settled
 * once: by a negative reply to its RCPT, otherwise by the reply to the final dot. An LMTP server (RFC 2033)
 * sends one such reply per recipient. If the server reports too many recipients (452 4.5.3), the remaining
 * ones go back to the queue for another transaction.
 */
#ifndef IMPULSE_SMTP_CLIENT_CLIENT_H
#define IMPULSE_SMTP_CLIENT_CLIENT_H

#include "smtp/client/client_transaction.h"
#include "smtp/client/link.h"
#include "smtp/client/smtp_client.h"

enum { EXPECTED_LIMIT = 8 };

enum expected { /* the command that a reply belongs to */
                EXPECT_BANNER,
                EXPECT_HELLO,
                EXPECT_MAIL,
                EXPECT_RCPT,
                EXPECT_DATA,
                EXPECT_FINAL,   /* the final dot */
                EXPECT_ABORTED, /* the final dot after a DATA without recipients */
                EXPECT_RSET,
                EXPECT_QUIT,
};

struct expectation { /* a number of consecutive replies of one kind */
    enum expected kind;
    unsigned replies;
};

struct client {
    struct link link;
    struct list_node node; /* in home->clients */
    struct smtpc_loop *home;
    struct queue *queue;
    struct hop_search *search; /* owned; NULL once established */
    char *bind_address;        /* owned; needed while hops are tried */
    uint64_t id;               /* connection id of the current hop */
    bool lmtp;
    bool plain; /* delivery_method smtp: HELO without trying EHLO */
    bool use_helo;
    bool established; /* the greeting is complete */
    bool doomed;      /* the server closes the connection or is out of step: send no further message */
    bool quitting;
    bool tried;       /* a message was settled on this connection */
    bool needs_reset; /* a transaction was begun and not completed: RSET comes before the next one */
    struct offers offers;
    unsigned recipient_limit; /* maximum recipients per transaction, learned from the server's refusals; 0:
                                 not known */
    unsigned deliveries;      /* number of transactions that delivered */
    struct envelope *held;    /* taken early to choose the name in EHLO; sent first */
    struct smtpc_transaction slots[2];
    struct smtpc_transaction *current, *finishing;
    struct queue_waiter waiter;
    unsigned first, count; /* range of `expected`; count 0: all replies have arrived */
    struct expectation expected[EXPECTED_LIMIT];
};

/* ---- client_base.c ----------------------------------------------------------------------------------- */

/* Notes that `replies` more replies of `kind` will arrive; `replies` is at least 1. */
void client_expect(struct client *client, enum expected kind, unsigned replies);
/* Notes that one reply of the kind that is expected next has arrived. */
void client_expected_came(struct client *client);
/* Returns the kind of the next reply; client->count must not be 0. */
enum expected client_expected(const struct client *client);
/* Sends what was written and sets the deadline for the next expected reply. */
void client_flush(struct client *client);
/* Returns an outcome of this connection; its texts are borrowed. */
struct queue_outcome client_outcome(const struct client *client, enum queue_verdict verdict, unsigned stage,
                                    struct slice response);
/*
 * Settles recipient `index`, or all unsettled ones: reports the outcome to the queue, which then owns the
 * envelope. `stage` is Momentum's connection stage; `response` is copied if it is kept.
 */
void client_settle(struct client *client, struct smtpc_transaction *transaction, unsigned index,
                   enum queue_verdict verdict, unsigned stage, struct slice response);
void client_settle_all(struct client *client, struct smtpc_transaction *transaction,
                       enum queue_verdict verdict, unsigned stage, struct slice response);
/* Returns recipient `index`, which was not tried, to its place in the queue. */
void client_give_back(struct client *client, struct smtpc_transaction *transaction, unsigned index);
/* Returns all unsettled recipients, likewise. */
void client_give_all_back(struct client *client, struct smtpc_transaction *transaction);
/* Called before the greeting is complete, if this hop cannot be used: tries the next one. */
void client_give_up_hop(struct client *client, struct slice reason);
/* Ends the connection: settles its messages or returns them to the queue, and closes the link. */
void client_end(struct client *client, struct slice reason);
/* Sends QUIT; takes no further message. Called when no reply is expected. */
void client_quit(struct client *client);
/* Returns the response for an expected reply that did not arrive: "451 4.4.2 [internal] no ... response". */
struct slice client_no_reply(const struct client *client);

/* ---- client_send.c ----------------------------------------------------------------------------------- */

/* Sends EHLO, HELO or LHLO. */
void client_hello(struct client *client);
/* Called when the server is ready for the content of the current message. */
void client_begin_content(struct client *client);
/* Writes and sends everything that may be sent now. */
void client_advance(struct client *client);

/* ---- client_reply.c ---------------------------------------------------------------------------------- */

/* Handles the complete replies in the stream's input. Returns false if there is none. */
bool client_read_replies(struct client *client);

#endif
