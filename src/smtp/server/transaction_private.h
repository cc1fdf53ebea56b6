/*
 * transaction_private.h: the struct of a transaction, shared by the files that implement it. Each file calls
 * only those above it:
 *
 *   transaction.c           sender and recipients; creates and frees the transaction
 *   transaction_header.c    applies the header rules
 *   transaction_memory.c    counts the memory that content holds, and decides who is read
 *   transaction_content.c   receives the content
 *   transaction_envelopes.c creates the envelopes
 *   transaction_commit.c    makes the message durable and passes it on
 *
 * Private to these.
 */
#ifndef IMPULSE_SMTP_SERVER_TRANSACTION_PRIVATE_H
#define IMPULSE_SMTP_SERVER_TRANSACTION_PRIVATE_H

#include "base/pending.h"
#include "message/message_content.h"
#include "smtp/server/transaction.h"
#include "smtp/server/worker.h"

struct smtps_transaction {
    struct smtps_session *session; /* NULL after the client has left */
    struct smtps_worker *worker;
    struct smtp_generation *generation; /* one reference, for the modules that are notified */
    struct message *message;            /* one reference; ended with the transaction */
    uint64_t connection_id, received_us, declared_size;
    struct net_addr peer;
    struct buf parameters; /* of MAIL, as envelope_facts.parameters */
    size_t refused_count;  /* number of message->recipients that hooks rejected */
    /* content */
    struct data_reader reader;
    size_t trace_size;            /* bytes of the trace header at the start */
    _Atomic unsigned outstanding; /* chunks being stored, until the loop knows the result */
    struct pending writes;        /* the same, until the committer is done */
    _Atomic int status;           /* enum spool_status of the first chunk that failed; SPOOL_OK: none */
    void (*when_settled)(
        struct smtps_session *session); /* called when none is outstanding; NULL: not needed */
    const struct smtps_reply *refusal;  /* reply that rejects the content so far; NULL: none */
    bool begun, header_done, congested, committing;
    bool paused;   /* not read until the content of others needs less memory: transaction_memory.c */
    bool has_turn; /* may go on all the same */
    uint64_t held; /* bytes of BUDGET_ARRIVING */
    uint64_t turn_ends, turn_from; /* loop_now(), and the bytes of content when it began */
    bool open;                     /* MAIL was replied with 250 */
    bool complete;                 /* all content has arrived */
    uint64_t due_ms;               /* clock_mono_ms; 0: none */
    /* commit */
    struct envelope **envelopes; /* those of the accepted recipients come first */
    size_t envelope_count;
    bool deferred; /* not given to the spool yet */
    struct spool_request store;
    struct loop_task stored_task;
    void (*finished)(struct smtps_session *session, const struct smtps_reply *reply);
};

/* Appends the parameters of MAIL and of this RCPT, and its rejection, in the form of envelope_facts. */
void transaction_append_parameters(const struct smtps_transaction *transaction,
                                   const struct message_recipient *recipient, struct buf *out);
/* How the content of its message is kept. */
extern const struct message_keeper transaction_keeper;
/* Frees the transaction, which neither the session nor the spool uses any more. */
void transaction_free(struct smtps_transaction *transaction);
/* Counts what the content of `t` holds now. Only while it arrives: later a module may edit it on another thread. */
void transaction_count_memory(struct smtps_transaction *t);
/* Counts that the spool has one chunk of it. */
void transaction_count_settled(struct smtps_transaction *t);
/* Gives back what was counted, and the turn. */
void transaction_release_memory(struct smtps_transaction *t);
/* Whether so much content is in memory that more goes to the spool at once. */
bool transaction_memory_is_scarce(void);
/* Called after content has come: decides whether the session is read on. */
void transaction_judge_memory(struct smtps_transaction *t);
/* Removes the chunks of a discarded body from the spool. */
void transaction_discard_chunks(struct smtps_transaction *transaction);
/*
 * Checks the header, once, and adds missing fields. `complete`: the header has ended or all content has
 * arrived; otherwise there is more than one chunk of content. Returns NULL, or the reply that rejects the
 * message.
 */
const struct smtps_reply *transaction_apply_header_rules(struct smtps_transaction *transaction,
                                                         bool complete);
/* Creates t->envelopes; the message's body must be set. */
void transaction_create_envelopes(struct smtps_transaction *transaction);
/* Returns the reply for a spool status other than success; NULL for SPOOL_UNKNOWN, because none would be true. */
const struct smtps_reply *transaction_status_reply(enum spool_status status);

#endif
