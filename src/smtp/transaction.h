/*
 * transaction.h: from MAIL to the answer after the final dot; private to src/smtp.
 *
 * Collects the envelope and the content, stores large content while it arrives, and commits the whole to the
 * spool. While the spool works on it the transaction outlives a client that leaves: a message that became
 * durable is delivered whether or not its 250 was heard.
 */
#ifndef IMPULSE_SMTP_TRANSACTION_H
#define IMPULSE_SMTP_TRANSACTION_H

#include "base/buf.h"
#include "smtp/address.h"
#include "smtp/parameter.h"
#include "smtp/session.h"

struct transaction; /* opaque to commands */

/* `reverse_path` without a domain, if it is not null, gets the policy's; the parameters of MAIL are copied.
 */
struct transaction *transaction_create(struct session *session, const struct mail_path *reverse_path,
                                       const struct parameters *parameters);
/* The client left, or RSET: nothing is accepted. Safe while chunks are on their way to the spool. */
void transaction_abandon(struct transaction *transaction);

/* MAIL was answered 250. */
void transaction_open(struct transaction *transaction);
bool transaction_is_open(const struct transaction *transaction);

/* NUL-terminated, owned by the transaction. */
const char *transaction_reverse_path(const struct transaction *transaction);
const char *transaction_reverse_path_domain(const struct transaction *transaction);
/* ENVELOPE_* of MAIL. */
uint32_t transaction_flags(const struct transaction *transaction);
/* Messages of this transaction, and its trace header, name that client, XREMOTEIP's. */
void transaction_set_peer(struct transaction *transaction, const struct net_addr *peer);
/*
 * Sets the recipient in question, with its parameters; hooks see it until it is added or dropped. One without
 * a domain gets `default_domain`.
 */
void transaction_propose(struct transaction *transaction, const struct mail_path *recipient,
                         const struct parameters *parameters, const char *default_domain);
const char *transaction_proposed(const struct transaction *transaction);
const char *transaction_proposed_domain(const struct transaction *transaction);
void transaction_add_proposed(struct transaction *transaction);
size_t transaction_recipients(const struct transaction *transaction);
/* Recipient `index` (address and domain) for hooks asked once per recipient; and the binding they chose. */
const char *transaction_recipient(const struct transaction *transaction, size_t index, const char **domain);
void transaction_set_binding(struct transaction *transaction, size_t index, const char *binding,
                             const char *group);

/*
 * A hook refused the recipient for good. When the others are accepted, its copy fails with that reply, as one
 * that a next hop refused does: generate_bounces_for_multi_recipient_policy_rejections.
 */
void transaction_refuse_recipient(struct transaction *transaction, size_t index,
                                  const struct hook_reply *reply);
size_t transaction_refused(const struct transaction *transaction); /* recipients, so far */
/* The recipient's copy has the message context that the session has at this moment. */
void transaction_keep_context(struct transaction *transaction, size_t index);

/* Content comes: writes the trace header. `dot_stuffed`: after DATA, else the chunks of BDAT. */
void transaction_begin_content(struct transaction *transaction, bool dot_stuffed);
/* It has come, or the first chunk of it: there are no more recipients. */
bool transaction_content_begun(const struct transaction *transaction);
/*
 * Takes content from `input`; returns the bytes used; *end as data_reader_feed. Content that is refused is
 * thrown away and the refusal remembered.
 */
size_t transaction_receive(struct transaction *transaction, struct slice input, bool *end);
/* After the last chunk of BDAT. */
void transaction_end_chunks(struct transaction *transaction);
/* True when the spool has not kept up and the session should stop reading; session_resume is called later. */
bool transaction_congested(const struct transaction *transaction);

/* The last byte came; data_processing_timeout begins. */
void transaction_end_content(struct transaction *transaction);
bool transaction_has_content(const struct transaction *transaction); /* all of it */
/* clock_mono_ms by which the message is to be accepted; 0: no limit. Is it later? */
uint64_t transaction_due(const struct transaction *transaction);
bool transaction_is_overdue(const struct transaction *transaction);
/* The refusal that the content earned so far, or NULL. */
const struct reply *transaction_verdict(struct transaction *transaction);
/* Bytes of content so far, as it goes to the spool: with what we put in front. */
uint64_t transaction_size(const struct transaction *transaction);
/* Its beginning: all of a small message, the first chunk of one that is in the spool in parts. Until more
 * content comes, or the end. */
struct slice transaction_head(const struct transaction *transaction);
/*
 * Makes the message durable, unless deferred_spool lets it wait. The transaction is the spool's until the
 * outcome is known; then `finished` is called in a later turn with a reply (250 with the message id, or the
 * refusal), unless the client has left.
 */
void transaction_commit(struct transaction *transaction,
                        void (*finished)(struct session *session, const struct reply *reply));

#endif
