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

/* ---- succession --------------------------------------------------------------------------------------- */

struct succession {
    struct spool_request request;
    struct queue_set *set;
    struct envelope *successor;
    struct buf record;
};

static void replaced(struct spool_request *request)
{
    struct succession *succession = container_of(request, struct succession, request);
    struct queue_set *set = succession->set;
    queue_accept(set, succession->successor);
    buf_release(&succession->record);
    free(succession);
    pending_end(&set->outside);
}

void envelope_replace(struct queue_set *set, struct envelope *envelope, struct envelope *successor)
{
    if (envelope->flags & ENVELOPE_DEFERRED) {
        envelope_free(envelope);
        queue_accept(set, successor);
        return;
    }
    struct succession *succession = mem_new(struct succession);
    succession->set = set;
    succession->successor = successor;
    envelope_encode(successor, &succession->record);
    succession->request = (struct spool_request){
        .kind = SPOOL_REPLACE,
        .envelopes = &envelope,
        .envelope_count = 1,
        .data = buf_slice(&succession->record),
        .successor = successor->id,
        .done = replaced,
    };
    pending_begin(&set->outside);
    spool_submit(set->dependencies.spool, &succession->request);
    envelope_free(envelope);
}

/* ---- the end ----------------------------------------------------------------------------------------- */

void envelope_finish(struct queue_set *set, struct envelope *envelope)
{
    if (!(envelope->flags & ENVELOPE_DEFERRED)) /* else it never was there */
        submit(set, envelope, (struct spool_request){.kind = SPOOL_REMOVE});
    envelope_free(envelope);
}
