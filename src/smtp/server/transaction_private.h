/*
 * transaction_private.h: the struct of a transaction, shared by the files it is made of. Each uses those
 * above it only:
 *
 *   transaction.c           the sender, the recipients, making and freeing
 *   transaction_header.c    what the header rules make of the header
 *   transaction_content.c   the content on its way in
 *   transaction_envelopes.c what is made of the recipients
 *   transaction_commit.c    making it durable and handing it over
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
    struct smtps_session *session; /* NULL once the client has left */
    struct smtps_worker *worker;
    struct smtp_generation *generation; /* one reference: the modules that are told */
    struct message *message;            /* one reference; ended with the transaction */
    uint64_t connection_id, received_us, declared_size;
    struct net_addr peer;
    struct buf parameters; /* of MAIL, as envelope_facts.parameters */
    size_t refused_count;  /* of message->recipients */
    /* content */
    struct data_reader reader;
    size_t trace_size;            /* bytes of our own at the start */
    _Atomic unsigned outstanding; /* chunks at the committer, until that is heard on the loop */
    struct pending writes;        /* the same, until the committer settled them */
    _Atomic int status;           /* enum spool_status of the chunks so far */
    void (*when_stored)(
        struct smtps_session *session); /* called once none is outstanding; NULL: nobody waits */
    const struct smtps_reply *refusal;  /* what the content earned so far; NULL: nothing */
    bool begun, header_done, congested, committing;
    bool open;       /* MAIL was answered 250 */
    bool complete;   /* all content is here */
    uint64_t due_ms; /* clock_mono_ms; 0: none */
    /* commit */
    struct envelope **envelopes; /* first those of the recipients that are accepted */
    size_t envelope_count;
    bool deferred; /* not given to the spool */
    struct spool_request store;
    struct loop_task stored_task;
    void (*finished)(struct smtps_session *session, const struct smtps_reply *reply);
};

/* Appends the parameters of MAIL and of this RCPT, and its refusal, as envelope_facts has them. */
void transaction_append_parameters(const struct smtps_transaction *transaction,
                                   const struct message_recipient *recipient, struct buf *out);
/* How the content of its message is kept. */
extern const struct message_keeper transaction_keeper;
/* Frees it; neither the session nor the spool holds it. */
void transaction_free(struct smtps_transaction *transaction);
/* The spool forgets the chunks of a body that nobody will have. */
void transaction_discard_chunks(struct smtps_transaction *transaction);
/*
 * Looks at the header, once, and adds what is missing to it. `complete`: it has ended, or all content is
 * there; else more than a chunk of content is. The refusal that it earned, or NULL.
 */
const struct smtps_reply *transaction_apply_header_rules(struct smtps_transaction *transaction,
                                                         bool complete);
/* Makes t->envelopes, once t->body is there. */
void transaction_create_envelopes(struct smtps_transaction *transaction);
/* The answer for a spool that did not keep something. */
const struct smtps_reply *transaction_status_reply(enum spool_status status);

#endif
