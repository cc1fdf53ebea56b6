/*
 * outcome: outcomes that the queue finds by itself, and copies of those that delivery brings. Private to
 * src/queue. Any thread.
 */
#ifndef IMPULSE_QUEUE_OUTCOME_H
#define IMPULSE_QUEUE_OUTCOME_H

#include "queue/queue.h"

/* An outcome with its texts, for use after the call that brought it. */
struct stored_outcome {
    struct queue_outcome outcome; /* its slices point into `text` */
    char text[];
};
struct stored_outcome *outcome_store(const struct queue_outcome *outcome); /* free() it */

/* Permanent ones: message_expiration has passed; max_retries is reached or never_retry is set; the envelope's
 * turn came when it had expired (never_attempt_expired_messages). */
bool outcome_is_own(const struct queue_outcome *outcome); /* one of these, or a copy */

/* What the spool keeps of an outcome beside the retry state (SPOOL_UPDATE): appends it. The other way gives a
 * copy with peer and response only, to free(); NULL if it is none. */
struct buf;
void outcome_remember(const struct queue_outcome *outcome, struct buf *remark);
struct stored_outcome *outcome_recall(struct slice remark);

extern const struct queue_outcome outcome_out_of_time, outcome_out_of_retries, outcome_not_attempted;

#endif
