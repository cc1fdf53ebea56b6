/*
 * trace.h: the Received and Authentication-Results fields that reception adds. RFC 5321 section 4.4. Pure
 * functions; any thread.
 */
#ifndef IMPULSE_MESSAGE_TRACE_H
#define IMPULSE_MESSAGE_TRACE_H

#include "base/buf.h"
#include "net/addr.h"
#include "tls/tls.h"

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

/* The field of a message that was made here; `recipient` as above. */
void trace_append_internal(const char *by, uint64_t id, struct slice recipient, uint64_t time_us,
                           struct buf *out);

/* Appends `by` as an authserv-id (RFC 8601 section 2.5), a token of MIME: what cannot be in one becomes '-'.
 */
void trace_append_server(const char *by, struct buf *out);

/*
 * Appends an Authentication-Results field (RFC 8601) about an authentication of the client: `result` as RFC
 * 8601 section 2.7.4 names it, `mechanism` "PLAIN", .... The user is not named (Momentum 4
 * changelog, 4.2.38).
 */
void trace_append_authentication(const char *by, const char *result, const char *mechanism, struct buf *out);

#endif
