/*
 * dsn: the text of a delivery status notification: RFC 3464, multipart/report (RFC 6522). Private to
 * src/queue.
 */
#ifndef IMPULSE_QUEUE_DSN_H
#define IMPULSE_QUEUE_DSN_H

#include <stdbool.h>
#include "base/buf.h"

struct dsn_facts {             /* all borrowed for the call */
    uint64_t id;               /* of the notification: for its Message-ID and boundary */
    uint64_t now_us;           /* wall clock */
    uint64_t arrival_us;       /* when the failed message was received */
    const char *hostname;      /* ours */
    const char *from;          /* mailbox for the From header */
    struct slice reverse_path; /* whom it goes to */
    struct slice recipient;    /* who could not be reached */
    struct slice response;     /* the failed attempt's reply, one line */
    struct slice peer;         /* address of the host that gave it; empty: nobody, it is our own finding */
    struct slice original;     /* the part of the failed message to return; empty: none */
    bool whole;                /* original is the whole message rather than its header */
};

/* Appends the message, CR LF line ends, to `out`. Any thread. */
void dsn_render(const struct dsn_facts *facts, struct buf *out);

/* The header of a message with CR LF line ends, or of the part of it that `content` is: whole lines only. */
struct slice dsn_header_of(struct slice content);

#endif
