/*
 * spooling: an envelope's record in the spool follows what becomes of it. Private to src/queue. Any thread.
 */
#ifndef IMPULSE_QUEUE_SPOOLING_H
#define IMPULSE_QUEUE_SPOOLING_H

#include "queue/queue_private.h"

/* Writes the envelope's retry state to the spool, and what the last attempt ended with. */
void envelope_save(struct queue_set *set, struct envelope *envelope, const struct queue_outcome *outcome);
/* The same, but what the last attempt ended with stays as it is. */
void envelope_save_time(struct queue_set *set, struct envelope *envelope);
/* Removes a finished envelope from the spool and frees it. */
void envelope_finish(struct queue_set *set, struct envelope *envelope);

#endif
