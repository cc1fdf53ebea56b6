/*
 * queue_records.h: passes log events to the modules. Private to src/queue. Any thread.
 */
#ifndef IMPULSE_QUEUE_QUEUE_RECORDS_H
#define IMPULSE_QUEUE_QUEUE_RECORDS_H

#include "queue/generation.h"

/* Fills in what the mainlog says of an outcome; the texts point into the envelope and the outcome. */
void record_describe(struct imp_log_delivery *record, const struct envelope *envelope,
                     const struct queue_outcome *outcome);

enum record_kind { RECORD_DELIVERY, RECORD_TRANSIENT, RECORD_PERMANENT };
/* Tells the hooks of a point about a copy, whose queue has `settings`; `outcome` is NULL where nothing was tried. */
void record_moment(struct generation *generation, const struct queue_settings *settings,
                   enum hook_point point, const struct envelope *envelope,
                   const struct queue_outcome *outcome);
/* Reports the outcome of an attempt. All arguments are borrowed for the call. */
void record_outcome(struct generation *generation, const struct queue_settings *settings,
                    enum record_kind kind, const struct envelope *envelope,
                    const struct queue_outcome *outcome);

#endif
