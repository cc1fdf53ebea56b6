/*
 * transaction.h: from MAIL to the answer after the final dot; private to src/smtp/server.
 *
 * Collects the envelope and the content, stores large content while it arrives, and commits the whole to the
 * spool. While the spool works on it the transaction outlives a client that leaves: a message that became
 * durable is delivered whether or not its 250 was heard.
 */
#ifndef IMPULSE_SMTP_SERVER_TRANSACTION_H
#define IMPULSE_SMTP_SERVER_TRANSACTION_H

#include "base/buf.h"
#include "message/message.h"
#include "smtp/wire/address.h"
#include "smtp/server/parameter.h"
#include "smtp/server/session.h"

struct smtps_transaction; /* opaque to commands */

/* `reverse_path` without a domain, if it is not null, gets the policy's; the parameters of MAIL are copied.
 */
struct smtps_transaction *transaction_create(struct smtps_session *session,
                                             const struct mail_path *reverse_path,
                                             const struct parameters *parameters);
/* The client left, or RSET: nothing is accepted. Safe while chunks are on their way to the spool. */
void transaction_abandon(struct smtps_transaction *transaction);

/* MAIL was answered 250. */
void transaction_open(struct smtps_transaction *transaction);
bool transaction_is_open(const struct smtps_transaction *transaction);

/* What hooks and modules see of it; it ends with the transaction, unless somebody has a reference. */
struct message *transaction_message(const struct smtps_transaction *transaction);
/* ENVELOPE_* of MAIL. */
uint32_t transaction_flags(const struct smtps_transaction *transaction);
/* Messages of this transaction, and its trace header, name that client, XREMOTEIP's. */
void transaction_set_peer(struct smtps_transaction *transaction, const struct net_addr *peer);
/*
 * RCPT is about that recipient, with its parameters, until transaction_settle_proposed. One without a domain
 * gets `default_domain`.
 */
struct message_recipient *transaction_propose(struct smtps_transaction *transaction,
                                              const struct mail_path *recipient,
                                              const struct parameters *parameters,
                                              const char *default_domain);
/* It is a recipient from now on, or it is forgotten. */
void transaction_settle_proposed(struct smtps_transaction *transaction, bool accepted);
size_t transaction_recipients(const struct smtps_transaction *transaction);
/* Recipient `index`, for hooks asked once per recipient; and the binding they chose. */
struct message_recipient *transaction_recipient(const struct smtps_transaction *transaction, size_t index);
void transaction_set_binding(struct smtps_transaction *transaction, size_t index, const char *binding,
                             const char *group);

/*
 * A hook refused the recipient for good. When the others are accepted, its copy fails with that reply, as one
 * that a next hop refused does: generate_bounces_for_multi_recipient_policy_rejections.
 */
void transaction_refuse_recipient(struct smtps_transaction *transaction, size_t index,
                                  const struct hook_reply *reply);
size_t transaction_refused(const struct smtps_transaction *transaction); /* recipients, so far */

/* Content comes: writes the trace header. `dot_stuffed`: after DATA, else the chunks of BDAT. */
void transaction_begin_content(struct smtps_transaction *transaction, bool dot_stuffed);
/* It has come, or the first chunk of it: there are no more recipients. */
bool transaction_content_begun(const struct smtps_transaction *transaction);
/*
 * Takes content from `input`; returns the bytes used; *end as data_reader_feed. Content that is refused is
 * thrown away and the refusal remembered.
 */
size_t transaction_receive(struct smtps_transaction *transaction, struct slice input, bool *end);
/* After the last chunk of BDAT. */
void transaction_end_chunks(struct smtps_transaction *transaction);
/* True when the spool has not kept up and the session should stop reading; session_resume is called later. */
bool transaction_congested(const struct smtps_transaction *transaction);

/* The last byte came; data_processing_timeout begins. */
void transaction_end_content(struct smtps_transaction *transaction);
bool transaction_has_content(const struct smtps_transaction *transaction); /* all of it */
/* clock_mono_ms by which the message is to be accepted; 0: no limit. Is it later? */
uint64_t transaction_due(const struct smtps_transaction *transaction);
bool transaction_is_overdue(const struct smtps_transaction *transaction);
/* The refusal that the content earned so far, or NULL. */
const struct smtps_reply *transaction_verdict(struct smtps_transaction *transaction);
/* Calls `go_on` when the parts of the content that were handed to the spool are there; false: they are now.
 */
bool transaction_when_stored(struct smtps_transaction *transaction,
                             void (*go_on)(struct smtps_session *session));
/*
 * Makes the message durable, unless deferred_spool lets it wait. The transaction is the spool's until the
 * outcome is known; then `finished` is called in a later turn with a reply (250 with the message id, or the
 * refusal), unless the client has left.
 */
void transaction_commit(struct smtps_transaction *transaction,
                        void (*finished)(struct smtps_session *session, const struct smtps_reply *reply));

#endif
