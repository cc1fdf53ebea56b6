/*
 * client.h: the struct of an SMTP or LMTP client, shared by the files it is made of. Each uses those above it
 * only:
 *
 *   client_base.c   what is expected and until when; settling recipients; the end of the connection
 *   client_send.c   what to write next
 *   client_reply.c  what a reply means
 *   client.c        opening a connection, and its events
 *
 * What was written and is not replied to stands in `expected`, in order; each reply goes to the handler of
 * the kind it belongs to. After the replies of one read, client_advance writes what can be written, and
 * everything goes out with one system call. With PIPELINING (RFC 2920) that is, for each message of a busy
 * connection,
 *
 *     content of message N, its dot, MAIL, RCPT and DATA of message N + 1
 *
 * answered by four replies: one round trip a message. So there are at most two transactions: `finishing`,
 * whose dot is not answered, and `current`, before its dot.
 *
 * A transaction may have several recipients (max_recipients_per_batch), each an envelope that is settled
 * once: by the reply to its RCPT when that is a refusal, else by the reply to the dot, of which LMTP (RFC
 * 2033) sends one for each. When the server has enough of them (452 4.5.3), the others go back to the queue
 * for another transaction.
 */
#ifndef IMPULSE_SMTP_CLIENT_CLIENT_H
#define IMPULSE_SMTP_CLIENT_CLIENT_H

#include "smtp/client/client_transaction.h"
#include "smtp/client/link.h"
#include "smtp/client/smtp_client.h"

enum { EXPECTED_LIMIT = 8 };

enum expected { /* what a reply is to */
                EXPECT_BANNER,
                EXPECT_HELLO,
                EXPECT_MAIL,
                EXPECT_RCPT,
                EXPECT_DATA,
                EXPECT_FINAL,   /* the dot */
                EXPECT_ABORTED, /* the dot after a DATA without recipients */
                EXPECT_RSET,
                EXPECT_QUIT,
};

struct expectation { /* replies of one kind in a row */
    enum expected kind;
    unsigned replies;
};

struct client {
    struct link link;
    struct list_node node; /* in home->clients */
    struct smtpc_loop *home;
    struct queue *queue;
    struct hop_search *search; /* owned; NULL once established */
    char *bind_address;        /* owned; while hops are tried */
    uint64_t id;               /* of the connection to the current hop */
    bool lmtp;
    bool plain; /* delivery_method smtp: HELO at once */
    bool use_helo;
    bool established; /* the greeting is over */
    bool doomed;      /* the server closes: no further message */
    bool quitting;
    bool tried;       /* some message was settled: the connection was of use */
    bool needs_reset; /* a transaction was begun and not ended */
    struct offers offers;
    unsigned recipient_limit; /* of one transaction, as the server's refusals told; 0: not known */
    unsigned deliveries;      /* transactions that delivered */
    struct envelope *held;    /* taken early, for EHLO; goes first */
    struct smtpc_transaction slots[2];
    struct smtpc_transaction *current, *finishing;
    struct queue_waiter waiter;
    unsigned first, count; /* of expected; count 0: everything is replied to */
    struct expectation expected[EXPECTED_LIMIT];
};

/* ---- client_base.c ----------------------------------------------------------------------------------- */

/* `replies` of the kind, at least one, will come. */
void client_expect(struct client *client, enum expected kind, unsigned replies);
/* One of the kind that is expected next has come. */
void client_expected_came(struct client *client);
/* The kind of the next reply; client->count is not 0. */
enum expected client_expected(const struct client *client);
/* Sends what was written and sets the deadline by what is expected. */
void client_flush(struct client *client);
/* Settle recipient `index`, or all that are not settled. */
void client_settle(struct client *client, struct smtpc_transaction *transaction, unsigned index,
                   enum queue_verdict verdict, unsigned stage, struct slice response);
void client_settle_all(struct client *client, struct smtpc_transaction *transaction,
                       enum queue_verdict verdict, unsigned stage, struct slice response);
/* Recipient `index` was not tried: it keeps its place in the queue. */
void client_give_back(struct client *client, struct smtpc_transaction *transaction, unsigned index);
/* Before the greeting is over: this hop is of no use. */
void client_give_up_hop(struct client *client, struct slice reason);
/* The connection is of no use any more: settles or gives back its messages, closes. */
void client_end(struct client *client, struct slice reason);
void client_quit(struct client *client);
/* Why an expected reply did not come: "451 4.4.2 [internal] no ... response". */
struct slice client_no_reply(const struct client *client);

/* ---- client_send.c ----------------------------------------------------------------------------------- */

/* Sends EHLO, HELO or LHLO. */
void client_hello(struct client *client);
/* The server is ready for the content of the current message. */
void client_begin_content(struct client *client);
/* Writes and sends whatever may be sent now. */
void client_advance(struct client *client);

/* ---- client_reply.c ---------------------------------------------------------------------------------- */

/* Handles the replies that are in the stream's input. False if there is no whole one. */
bool client_read_replies(struct client *client);

#endif
