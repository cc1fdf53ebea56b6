/*
 * spooling: an envelope's record in the spool follows what becomes of it.
 */
#include "base/buf.h"
#include "base/mem.h"
#include "queue/outcome.h"
#include "queue/spooling.h"

/* The spool reads the envelope before spool_submit returns, and frees the request with the remark. */
static void submit(struct queue_set *set, struct envelope *envelope, int kind, struct slice remark)
{
    struct request {
        struct spool_request request; /* first: the spool frees it */
        char remark[];
    } *update = mem_zalloc(sizeof *update + remark.size);
    if (remark.size)
        memcpy(update->remark, remark.data, remark.size);
    update->request.kind = kind;
    update->request.body = envelope->body;
    update->request.envelopes = &envelope;
    update->request.envelope_count = 1;
    update->request.data = slice_of(update->remark, remark.size);
    spool_submit(set->dependencies.spool, &update->request);
}

void envelope_save(struct queue_set *set, struct envelope *envelope, const struct queue_outcome *outcome)
{
    struct buf remark = {0};
    outcome_remember(outcome, &remark);
    submit(set, envelope, SPOOL_UPDATE, buf_slice(&remark));
    buf_release(&remark);
}

void envelope_finish(struct queue_set *set, struct envelope *envelope)
{
    if (!(envelope->flags & ENVELOPE_DEFERRED)) /* else it never was there */
        submit(set, envelope, SPOOL_REMOVE, slice_of(NULL, 0));
    envelope_free(envelope);
}
