/*
 * notice: telling a sender what became of a message (RFC 3461, 3464). Private to src/queue. The shard's loop
 * thread.
 */
#ifndef IMPULSE_QUEUE_NOTICE_H
#define IMPULSE_QUEUE_NOTICE_H

#include "queue/dsn.h"
#include "queue/queue_private.h"

/* Is the sender of that envelope to be told of it? By NOTIFY, and what there is without it. */
bool notice_is_wanted(const struct queue *queue, const struct envelope *subject, enum dsn_action action);

/*
 * Called once, in the same turn or a later one: the notification is durable, or `status` says why it cannot
 * be stored. `outcome` is a copy, valid during the call. The subject is the caller's again; it is NULL when
 * the action is delivered or relayed.
 */
typedef void notice_done_fn(struct queue *queue, struct envelope *subject,
                            const struct queue_outcome *outcome, enum spool_status status);

/*
 * Makes the notification about `subject`, stores it, calls `done`, and accepts it for delivery. Of a message
 * that was delivered or relayed the subject is finished (envelope_finish) with it: both are in the spool's
 * hands at the same moment. `last` is the outcome of an attempt that failed before `outcome`, which is our
 * own finding; NULL: what the spool remembers of one. Both are copied.
 */
void notice_send(struct queue *queue, struct envelope *subject, enum dsn_action action,
                 const struct queue_outcome *outcome, const struct queue_outcome *last, notice_done_fn *done);

/* After the loop stopped and nothing is outside. */
void notice_free_all(struct shard *shard);

#endif
