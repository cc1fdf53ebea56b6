/*
 * trace.h: the Received and Authentication-Results fields that reception adds, and counting those that are
 * there. RFC 5321 sections 4.4, 6.3. Pure functions; any thread.
 */
#ifndef IMPULSE_MESSAGE_TRACE_H
#define IMPULSE_MESSAGE_TRACE_H

#include "base/buf.h"
#include "net/addr.h"
#include "net/tls.h"

struct trace_facts {   /* borrowed */
    const char *hello; /* the client's EHLO or HELO argument; "" when it gave none */
    const struct net_addr *peer;
    const char *by;              /* our name */
    bool extended;               /* EHLO was used: "with ESMTP" */
    const struct tls_facts *tls; /* NULL: plain text. "ESMTPS" (RFC 3848), and a comment */
    bool authenticated, utf8;    /* "ESMTPSA", "UTF8SMTPSA" (RFC 6531 section 4.3) */
    uint64_t id;                 /* the batch id: it is also in every log record of the message */
    struct slice recipient;      /* the only recipient; empty when there are several (RFC 5321 7.6) */
    uint64_t time_us;
};

/* Appends one folded field, CR LF included. */
void trace_append_received(const struct trace_facts *facts, struct buf *out);

/*
 * Appends an Authentication-Results field (RFC 8601) about an authentication of the client: `result` as RFC
 * 8601 section 2.7.4 names it, `mechanism` "PLAIN", .... The user is not named (Momentum 4
 * changelog, 4.2.38).
 */
void trace_append_authentication(const char *by, const char *result, const char *mechanism, struct buf *out);

/* How many Received fields the header of `content` holds (it ends at the empty line or with the content). */
unsigned trace_count_received(struct slice content);

#endif
