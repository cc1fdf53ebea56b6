/*
 * transaction.h: a transaction, from MAIL to the reply after the final dot; private to src/smtp/server. On
 * the session's loop thread.
 *
 * A transaction collects the envelope and the content, stores large content while it arrives, and commits the
 * message to the spool. If the client leaves while the spool is writing, the transaction outlives the
 * session: a message that became durable is delivered, whether or not the client received the 250.
 */
#ifndef IMPULSE_SMTP_SERVER_TRANSACTION_H
#define IMPULSE_SMTP_SERVER_TRANSACTION_H

#include "base/buf.h"
#include "message/message.h"
#include "smtp/wire/address.h"
#include "smtp/server/parameter.h"
#include "smtp/server/session.h"

struct smtps_transaction; /* opaque to the commands */

/*
 * Creates a transaction. A `reverse_path` that is not null and has no domain gets the policy's default
 * domain. Path and parameters of MAIL are copied.
 */
struct smtps_transaction *transaction_create(struct smtps_session *session,
                                             const struct mail_path *reverse_path,
                                             const struct parameters *parameters);
/*
 * Ends the transaction without accepting anything, after RSET or when the client leaves. Allowed while chunks
 * are being stored.
 */
void transaction_abandon(struct smtps_transaction *transaction);

/* Notes that MAIL was replied with 250. */
void transaction_open(struct smtps_transaction *transaction);
bool transaction_is_open(const struct smtps_transaction *transaction);

/*
 * Returns the message that hooks and modules see; borrowed. It ends with the transaction, except for
 * references that others hold.
 */
struct message *transaction_message(const struct smtps_transaction *transaction);
/* Returns the ENVELOPE_* flags from MAIL. */
uint32_t transaction_flags(const struct smtps_transaction *transaction);
/* Sets the client address in the messages of this transaction and in the trace header (XREMOTEIP). */
void transaction_set_peer(struct smtps_transaction *transaction, const struct net_addr *peer);
/*
 * Sets the recipient of a RCPT command, with its parameters, until transaction_settle_proposed. A recipient
 * without domain gets `default_domain`. The result is borrowed.
 */
struct message_recipient *transaction_propose(struct smtps_transaction *transaction,
                                              const struct mail_path *recipient,
                                              const struct parameters *parameters,
                                              const char *default_domain);
/* Adds the proposed recipient to the message, or discards it. */
void transaction_settle_proposed(struct smtps_transaction *transaction, bool accepted);
size_t transaction_recipients(const struct smtps_transaction *transaction);
/* Return recipient `index`, for the hooks called once per recipient, and set the binding that they chose. */
struct message_recipient *transaction_recipient(const struct smtps_transaction *transaction, size_t index);
void transaction_set_binding(struct smtps_transaction *transaction, size_t index, const char *binding,
                             const char *group);

/*
 * Called when a hook rejected the recipient permanently. If other recipients are accepted, this recipient's
 * copy fails with `reply`, like one that a next hop rejects:
 * generate_bounces_for_multi_recipient_policy_rejections.
 */
void transaction_refuse_recipient(struct smtps_transaction *transaction, size_t index,
                                  const struct hook_reply *reply);
/* number of such recipients so far */
size_t transaction_refused(const struct smtps_transaction *transaction);

/* Begins the content: writes the trace header. `dot_stuffed`: DATA; false: the chunks of BDAT. */
void transaction_begin_content(struct smtps_transaction *transaction, bool dot_stuffed);
/* Returns whether content has begun; no more recipients are added afterwards. */
bool transaction_content_begun(const struct smtps_transaction *transaction);
/*
 * Takes content from `input` and returns the number of bytes used; `*end` is set as by data_reader_feed.
 * Rejected content is discarded, and the reply is remembered.
 */
size_t transaction_receive(struct smtps_transaction *transaction, struct slice input, bool *end);
/* Called after the last chunk of BDAT. */
void transaction_end_chunks(struct smtps_transaction *transaction);
/*
 * Returns whether the spool is behind, so that the session must stop reading. session_resume is called later.
 */
bool transaction_congested(const struct smtps_transaction *transaction);

/* Returns how many bytes to read at once: `usual`, or fewer while the budget of content that arrives is used up. */
size_t transaction_read_size(const struct smtps_transaction *transaction, size_t usual);
/* Returns whether the session is not read because others need the memory. */
bool transaction_paused(const struct smtps_transaction *transaction);
/*
 * Called when the session has settled what it does next, also between chunks: if it is paused, or has a turn, looks again
 * later.
 */
void transaction_watch_memory(struct smtps_transaction *transaction);
/* Called when all content has come: a turn passes to another session. */
void transaction_end_turn(struct smtps_transaction *transaction);

/* Called after the last byte; data_processing_timeout begins. */
void transaction_end_content(struct smtps_transaction *transaction);
/* returns whether the content is complete */
bool transaction_has_content(const struct smtps_transaction *transaction);
/*
 * Return the time by which the message must be accepted (clock_mono_ms; 0: no limit), and whether it has
 * passed.
 */
uint64_t transaction_due(const struct smtps_transaction *transaction);
bool transaction_is_overdue(const struct smtps_transaction *transaction);
/* Returns the reply that rejects the content so far, or NULL. */
const struct smtps_reply *transaction_verdict(struct smtps_transaction *transaction);
/*
 * Calls `go_on` when the spool has stored, or failed to store, all parts of the content that it was given;
 * transaction_verdict says which. Returns false, without calling it, if that is so already.
 */
bool transaction_when_settled(struct smtps_transaction *transaction,
                              void (*go_on)(struct smtps_session *session));
/*
 * Makes the message durable, unless deferred_spool allows to postpone that. The spool owns the transaction
 * until the outcome is known. Then `finished` is called in a later turn, unless the client has left. It gets the
 * reply, 250 with the message id or a negative one, or NULL if the connection is to be closed without a reply.
 */
void transaction_commit(struct smtps_transaction *transaction,
                        void (*finished)(struct smtps_session *session, const struct smtps_reply *reply));

#endif
