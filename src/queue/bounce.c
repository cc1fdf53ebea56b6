/*
 * bounce: giving an envelope up, and telling its sender.
 *
 * The notification is durable before the failed envelope is removed: a crash in between makes a second
 * notification, never none. So the P record is written when the notification is stored; when it cannot be
 * stored (the disk is full), the failed envelope stays and is tried again later.
 */
#include "base/clock.h"
#include "queue/bounce.h"
#include "queue/delay.h"
#include "queue/notice.h"
#include "queue/queue_records.h"
#include "queue/spooling.h"
#include "queue/walk.h"

enum { STORE_RETRY_SECONDS = 60 };

static void give_up(struct queue *queue, struct envelope *envelope, const struct queue_outcome *outcome)
{
    record_outcome(queue_generation(queue), queue_settings(queue), RECORD_PERMANENT, envelope, outcome);
    envelope_finish(queue->shard->set, envelope);
    queue_drop(queue);
}

static void sender_told(struct queue *queue, struct envelope *failed, const struct queue_outcome *outcome,
                        enum spool_status status)
{
    flying_end(queue->shard, failed);
    if (status == SPOOL_OK) {
        give_up(queue, failed, outcome);
        return;
    }
    failed->next_attempt_us = clock_wall_us() + STORE_RETRY_SECONDS * UINT64_C(1000000);
    queue_delay(queue, failed, failed->next_attempt_us);
}

void bounce_envelope(struct queue *queue, struct envelope *envelope, const struct queue_outcome *outcome,
                     const struct queue_outcome *last)
{
    if (notice_is_wanted(queue, envelope, DSN_FAILED)) {
        flying_begin(queue->shard, envelope);
        notice_send(queue, envelope, DSN_FAILED, outcome, last, sender_told);
    } else {
        give_up(queue, envelope, outcome);
    }
}
