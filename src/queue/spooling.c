/*
 * spooling: an envelope's record in the spool follows what becomes of it.
 */
#include "base/buf.h"
#include "base/mem.h"
#include "queue/outcome.h"
#include "queue/spooling.h"

struct update {
    struct spool_request request; /* first: the spool frees it */
    char data[];
};

/* The spool reads the envelope before spool_submit returns, and frees the request with the data. */
static void submit(struct queue_set *set, struct envelope *envelope, struct spool_request request)
{
    size_t size = request.data.size;
    struct update *update = mem_zalloc(sizeof *update + size);
    if (size)
        memcpy(update->data, request.data.data, size);
    update->request = request;
    update->request.body = envelope->body;
    update->request.envelopes = &envelope;
    update->request.envelope_count = 1;
    update->request.data = slice_of(update->data, size);
    spool_submit(set->dependencies.spool, &update->request);
}

void envelope_save(struct queue_set *set, struct envelope *envelope, const struct queue_outcome *outcome)
{
    struct buf remark = {0};
    outcome_remember(outcome, &remark);
    submit(set, envelope, (struct spool_request){.kind = SPOOL_UPDATE, .data = buf_slice(&remark)});
    buf_release(&remark);
}

void envelope_save_time(struct queue_set *set, struct envelope *envelope)
{
    submit(set, envelope, (struct spool_request){.kind = SPOOL_UPDATE, .keeps_remark = true});
}

/* ---- the end ----------------------------------------------------------------------------------------- */

void envelope_finish(struct queue_set *set, struct envelope *envelope)
{
    if (!(envelope->flags & ENVELOPE_DEFERRED)) /* else it never was there */
        submit(set, envelope, (struct spool_request){.kind = SPOOL_REMOVE});
    envelope_free(envelope);
}
