/*
 * dsn: the text of a delivery status notification: RFC 3464, multipart/report (RFC 6522), and its form for
 * messages with addresses beyond ASCII (RFC 6533). Private to src/queue.
 */
#ifndef IMPULSE_QUEUE_DSN_H
#define IMPULSE_QUEUE_DSN_H

#include <stdbool.h>
#include "base/buf.h"

enum dsn_action { /* RFC 3464 section 2.3.3 */
                  DSN_FAILED,
                  DSN_DELAYED,
                  DSN_DELIVERED,
                  DSN_RELAYED,
};

struct dsn_facts { /* all borrowed for the call */
    enum dsn_action action;
    uint64_t id;               /* of the notification: for its Message-ID and boundary */
    uint64_t now_us;           /* wall clock */
    uint64_t arrival_us;       /* when the message was received */
    uint64_t retry_until_us;   /* DSN_DELAYED: when it is given up */
    const char *hostname;      /* ours */
    const char *from;          /* mailbox for the From header */
    struct slice reverse_path; /* whom it goes to */
    struct slice recipient;    /* whom it is about */
    struct slice response;     /* the attempt's reply, one line; may be empty */
    struct slice peer;         /* address of the host that gave it; empty: nobody, it is our own finding */
    /* DSN_FAILED by our own finding: the answer to the last attempt before that, and who gave it; empty: none
     */
    struct slice last_response, last_peer;
    struct slice envid, orcpt; /* the parameters, as the client gave them; empty: it did not */
    struct slice original;     /* the part of the message to return; empty: none */
    bool whole;                /* original is the whole message rather than its header */
    bool utf8;                 /* the message came with SMTPUTF8 */
};

/* Appends the message, CR LF line ends, to `out`. Any thread. */
void dsn_render(const struct dsn_facts *facts, struct buf *out);

/* The header of a message with CR LF line ends, or of the part of it that `content` is: whole lines only. */
struct slice dsn_header_of(struct slice content);

#endif
