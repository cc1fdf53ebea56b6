/*
 * spooling: an envelope's record in the spool follows what becomes of it.
 */
#include "base/mem.h"
#include "queue/spooling.h"

/* The spool reads the envelope before spool_submit returns, and frees the request. */
static void submit(struct queue_set *set, struct envelope *envelope, int kind)
{
    struct spool_request *request = mem_new(struct spool_request);
    request->kind = kind;
    request->body = envelope->body;
    request->envelopes = &envelope;
    request->envelope_count = 1;
    spool_submit(set->dependencies.spool, request);
}

void envelope_save(struct queue_set *set, struct envelope *envelope)
{
    submit(set, envelope, SPOOL_UPDATE);
}

void envelope_finish(struct queue_set *set, struct envelope *envelope)
{
    submit(set, envelope, SPOOL_REMOVE);
    envelope_free(envelope);
}
