/*
 * transaction_commit: makes a received message durable (with deferred_spool, later), logs it, and passes it
 * to the layer above.
 */
#include "smtp/server/transaction_private.h"

#include "base/id.h"
#include "base/mem.h"
#include "module/reception_record.h"
#include "smtp/server/smtps_metrics.h"
#include "spool/intake.h"

/* Content in memory, in bytes over all messages, above which deferred_spool no longer postpones storing. */
#define DEFERRED_MAX (UINT64_C(128) << 20)

/* Passes the accepted message to the upper layer, which owns it from now on, even if the client has left. */
static void hand_over(struct smtps_transaction *t)
{
    const struct smtp_upper *upper = &t->worker->server->upper;
    metric_add(smtps_metrics.received, t->envelope_count);
    if (t->envelope_count > 0) /* modules may have removed all recipients */
        metric_observe(smtps_metrics.size, (double)body_edited_size(t->envelopes[0]->body));
    for (size_t i = 0; i < t->envelope_count; i++) {
        record_reception(generation_modules(t->generation), t->envelopes[i], "esmtp");
        upper->accept(upper->upper, t->envelopes[i]);
    }
}

/* Frees the transaction and sends the reply. NULL if no reply would be true: the connection is closed without one. */
static void finish(struct smtps_transaction *t, const struct smtps_reply *reply)
{
    struct smtps_session *session = t->session;
    void (*finished)(struct smtps_session *, const struct smtps_reply *) = t->finished;
    transaction_free(t);
    if (session)
        finished(session, reply);
}

static void request_done(struct spool_request *request)
{
    struct smtps_transaction *t = container_of(request, struct smtps_transaction, store);
    loop_post(t->worker->loop, &t->stored_task);
}

/* ---- a message that became durable too late ------------------------------------------------------ */

static void taken_back(struct loop_task *task)
{
    struct smtps_transaction *t = container_of(task, struct smtps_transaction, stored_task);
    finish(t, t->store.status == SPOOL_OK ? &reply_processing_timeout : NULL);
}

/*
 * The client may have given up by now and will send the message again. The message is removed from the spool,
 * and the reply is sent when the removal is durable: a rejected message must not be delivered after a crash.
 */
static void take_back(struct smtps_transaction *t)
{
    struct spool *spool = t->worker->server->spool;
    t->stored_task.run = taken_back;
    for (size_t i = 0; i < t->envelope_count; i++) {
        bool last = i + 1 == t->envelope_count;
        struct spool_request *removal = last ? &t->store : mem_new(struct spool_request);
        *removal = (struct spool_request){
            .kind = SPOOL_REMOVE,
            .envelopes = &t->envelopes[i],
            .envelope_count = 1,
            .durable = last,
            .done = last ? request_done : NULL,
        };
        spool_submit(spool, removal);
        envelope_free(t->envelopes[i]);
    }
}

/* ---- committing ---------------------------------------------------------------------------------- */

static void request_settled(struct loop_task *task)
{
    struct smtps_transaction *t = container_of(task, struct smtps_transaction, stored_task);
    if (t->store.status == SPOOL_OK && !t->deferred && transaction_is_overdue(t)) {
        take_back(t);
    } else if (t->store.status == SPOOL_OK) {
        char text[ID_TEXT_SIZE + 8] = "OK ";
        id_format(t->envelope_count > 0 ? t->envelopes[0]->id : t->message->id, text + 3);
        hand_over(t);
        finish(t, &(struct smtps_reply){250, "2.0.0", text});
    } else {
        for (size_t i = 0; i < t->envelope_count; i++)
            envelope_free(t->envelopes[i]);
        transaction_discard_chunks(t);
        finish(t, transaction_status_reply(t->store.status));
    }
}

/*
 * Returns whether deferred_spool may keep the message in memory for now. A large message is partly in the
 * spool already, and rejected recipients must be reported reliably, so neither is postponed. The memory used
 * this way is limited.
 */
static bool may_defer(const struct smtps_transaction *t)
{
    return t->session->policy->deferred_spool && !t->message->body && t->refused_count == 0 &&
           body_resident_bytes() < DEFERRED_MAX && !atomic_load(&t->worker->server->defers_no_more);
}

/* Edits of content that is stored in parts are stored with the body. */
static void keep_edits(const struct message *message)
{
    struct buf sealed = {0};
    size_t size;
    if (!message->edited || edits_are_none(&message->edits))
        return;
    edits_seal(&message->edits, &sealed);
    char *memory = buf_take(&sealed, &size);
    body_set_edits(message->body, memory, (uint32_t)size);
}

/* Modules removed all recipients: there is nothing to store and no notification. */
static void drop(struct smtps_transaction *t)
{
    transaction_discard_chunks(t);
    t->deferred = true;
    loop_post(t->worker->loop, &t->stored_task);
}

void transaction_commit(struct smtps_transaction *t,
                        void (*finished)(struct smtps_session *session, const struct smtps_reply *reply))
{
    struct message *message = t->message;
    t->committing = true;
    t->finished = finished;
    t->stored_task.run = request_settled;
    message_seal(message);
    if (message->recipient_count == 0) {
        drop(t);
        return;
    }
    t->deferred = may_defer(t);
    if (t->deferred)
        message->flags |= ENVELOPE_DEFERRED;
    message_judge_copies(message);
    intake_rest(&t->store, &message->body, &message->content, message->stored,
                message_has_eight_bit(message, t->reader.eight_bit));
    keep_edits(message);
    transaction_create_envelopes(t);
    intake_envelopes(&t->store, t->envelopes, t->envelope_count, request_done);
    if (t->deferred)
        loop_post(t->worker->loop, &t->stored_task); /* the status is SPOOL_OK */
    else
        spool_submit(t->worker->server->spool, &t->store);
}
