/*
 * envelope: one recipient's copy of a message: addresses, ids, trace facts, retry state.
 *
 * The unit of the queue, of the spool's meta family and of the log: a transaction with three recipients makes
 * three envelopes with one batch id and one body (Momentum 4 manual, mainlog). One owner at a time: the
 * session until commit, then the queue's loop. All text is owned by the envelope (one block) and
 * NUL-terminated.
 */
#ifndef IMPULSE_MESSAGE_ENVELOPE_H
#define IMPULSE_MESSAGE_ENVELOPE_H

#include "base/list.h"
#include "base/slice.h"
#include "message/body.h"
#include "net/addr.h"

struct envelope {
    struct list_node link; /* the owner's */
    uint64_t id;           /* message id */
    uint64_t batch_id;
    uint64_t connection_id;        /* the inbound connection */
    uint64_t received_us;          /* wall clock of acceptance */
    uint64_t next_attempt_us;      /* wall clock; 0: at once */
    uint32_t retries;              /* failed attempts so far */
    uint32_t flags;                /* ENVELOPE_* */
    bool follows;                  /* the queue's: shares a transaction with the one before it on a list */
    uint16_t walked;               /* the queue's: the walk that saw it last */
    struct net_addr origin;        /* the client's address */
    struct body *body;             /* one reference */
    struct slice reverse_path;     /* without <>; empty for the null reverse-path */
    struct slice recipient;        /* without <>, the case as given */
    struct slice recipient_domain; /* the part of recipient after its last '@', lower-cased copy */
    struct slice sender_domain;    /* the part of reverse_path after '@', as given; empty for null */
    struct slice binding;          /* "default" unless a hook set it */
    struct slice binding_group;
    struct slice context;    /* the message context: name NUL value NUL ... */
    struct slice parameters; /* of MAIL and RCPT, for the next hop: see envelope_parameter */
    struct slice header; /* fields of this copy alone, before the body's first byte; each ends with CR LF */
    char *text;          /* the block all slices point into; part of the envelope's own allocation */
};

enum {
    ENVELOPE_BOUNCE = 1,    /* made here as a delivery status notification */
    ENVELOPE_EIGHT_BIT = 2, /* BODY=8BITMIME was declared */
    ENVELOPE_SMTPUTF8 = 4,
    ENVELOPE_BINARY = 8,      /* BODY=BINARYMIME was declared: lines have no meaning (RFC 3030) */
    ENVELOPE_REQUIRETLS = 16, /* RFC 8689 */
    /* RFC 3461: RET= of MAIL and NOTIFY= of RCPT; none of a kind set: not said. */
    ENVELOPE_RET_FULL = 32,
    ENVELOPE_RET_HDRS = 64,
    ENVELOPE_NOTIFY_NEVER = 128,
    ENVELOPE_NOTIFY_SUCCESS = 256,
    ENVELOPE_NOTIFY_FAILURE = 512,
    ENVELOPE_NOTIFY_DELAY = 1024,
    ENVELOPE_NOTIFY =
        ENVELOPE_NOTIFY_NEVER | ENVELOPE_NOTIFY_SUCCESS | ENVELOPE_NOTIFY_FAILURE | ENVELOPE_NOTIFY_DELAY,
    /* batch_handling: goes in one transaction with the other recipients of its body in its queue. */
    ENVELOPE_BATCH = 2048,
    /* deferred_spool: not in the spool until its first failure. Not stored itself. */
    ENVELOPE_DEFERRED = 4096,
    /* Its recipient was refused after the content: it is not to be delivered, only reported to its sender.
     * The reply is in the parameter "REFUSAL". */
    ENVELOPE_REFUSED = 8192,
    /* `header` is not fields but a sealed table of edits (edits.h) upon the body with the body's edits. */
    ENVELOPE_OWN_EDITS = 16384,
};

struct envelope_facts { /* borrowed for the call */
    struct slice reverse_path, recipient, binding, binding_group, context, parameters, header;
    struct net_addr origin;
    uint64_t id, batch_id, connection_id, received_us;
    uint32_t flags;
};

/* Returns the facts of an envelope, to create another one from. They point into it. Any thread. */
struct envelope_facts envelope_facts_of(const struct envelope *envelope);
/*
 * Copies the facts; an empty binding becomes "default". Then envelope_attach(body), unless that is NULL. Any
 * thread.
 */
struct envelope *envelope_create(const struct envelope_facts *facts, struct body *body);
/* Takes a reference to `body` for an envelope that has none, and counts itself in body->undelivered. */
void envelope_attach(struct envelope *envelope, struct body *body);
/* Frees the envelope and its reference to the body; NULL is fine. The spool is not touched. */
void envelope_free(struct envelope *envelope);

/*
 * A parameter as the client gave it, still in xtext (RFC 3461 section 4): "ENVID", "ORCPT", "AUTH". Empty
 * when it gave none. `parameters` holds them as name NUL value NUL ..., in capitals; "REFUSAL" is not the
 * client's, but the reply of an ENVELOPE_REFUSED; "MAIL NAME" and "RCPT NAME" are those that modules added.
 */
struct slice envelope_parameter(const struct envelope *envelope, const char *name);

/*
 * May both be recipients of one outgoing transaction? Both were accepted with ENVELOPE_BATCH, and whatever
 * goes out once for all recipients is the same: body, header, sender, and what MAIL says.
 */
bool envelope_may_share(const struct envelope *a, const struct envelope *b);

/* Bytes on the wire: the body with all edits, and this copy's own header fields. */
uint64_t envelope_size(const struct envelope *envelope);
/* Is there a byte above 127 in what goes on the wire? True also when there was, and an edit took it away. */
bool envelope_has_eight_bit(const struct envelope *envelope);

/* The spool's form: versioned, length-prefixed, little-endian, without the retry state. Appends to `out`. */
struct buf;
void envelope_encode(const struct envelope *envelope, struct buf *out);
/* NULL if the bytes are not a record (torn, foreign version). *body says which body it needs; envelope->body
 * is NULL until the caller attaches one. */
struct envelope *envelope_decode(struct slice record, struct body_facts *body);

#endif
