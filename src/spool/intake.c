/*
 * intake: how a message gets into the spool.
 */
#include "spool/intake.h"

#include "base/id.h"
#include "base/mem.h"

void intake_part(struct spool_request *request, struct body **body, struct slice part, intake_done_fn *done)
{
    if (!*body) {
        *body = body_create(id_next(), NULL, 0);
        (*body)->chunks = 0; /* counted as they go */
    }
    *request = (struct spool_request){
        .kind = SPOOL_CHUNK,
        .body = *body,
        .chunk = (*body)->chunks++,
        .data = part,
        .done = done,
    };
}

void intake_whole(struct spool_request *request, struct body *body)
{
    *request = (struct spool_request){
        .kind = SPOOL_STORE,
        .body = body,
        .data = {body->memory, body->size},
    };
}

void intake_rest(struct spool_request *request, struct body **body, struct buf *rest, uint64_t stored,
                 bool eight_bit)
{
    size_t size = buf_size(rest);
    if (!*body) {
        char *memory = buf_take(rest, &size);
        *body = body_create(id_next(), memory, size);
        intake_whole(request, *body);
    } else {
        (*body)->size = stored + size;
        *request = (struct spool_request){
            .kind = SPOOL_STORE,
            .body = *body,
            .chunk = (*body)->chunks++,
            .data = buf_slice(rest),
        };
    }
    (*body)->eight_bit = eight_bit;
}

void intake_envelopes(struct spool_request *request, struct envelope **envelopes, size_t count,
                      intake_done_fn *done)
{
    request->envelopes = envelopes;
    request->envelope_count = count;
    request->done = done;
}

static int compare_queues(const void *a, const void *b)
{
    const struct envelope *x = *(struct envelope *const *)a, *y = *(struct envelope *const *)b;
    int order = slice_compare_nocase(x->recipient_domain, y->recipient_domain);
    return order ? order : slice_compare_nocase(x->binding, y->binding);
}

void intake_mark_batches(struct envelope **envelopes, size_t count)
{
    struct envelope **sorted = mem_array(count, sizeof *sorted);
    memcpy(sorted, envelopes, count * sizeof *sorted);
    qsort(sorted, count, sizeof *sorted, compare_queues);
    for (size_t i = 1; i < count; i++)
        if (compare_queues(&sorted[i - 1], &sorted[i]) == 0) {
            sorted[i - 1]->flags |= ENVELOPE_BATCH;
            sorted[i]->flags |= ENVELOPE_BATCH;
        }
    free(sorted);
}

void intake_discard(struct spool *spool, struct body *body)
{
    struct spool_request *discard = mem_new(struct spool_request);
    discard->kind = SPOOL_DISCARD;
    discard->body = body;
    spool_submit(spool, discard);
}
