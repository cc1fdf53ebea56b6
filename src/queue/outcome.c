/*
 * outcome: outcomes that the queue finds by itself, and copies of those that delivery brings.
 */
#include "base/buf.h"
#include "base/mem.h"
#include "queue/outcome.h"

enum { REMARK_RESPONSE = 480 }; /* bytes of a response that are remembered */

const struct queue_outcome outcome_out_of_time = {
    .verdict = QUEUE_PERMANENT,
    .response = {"554 5.4.7 [internal] exceeded max time without delivery",
                 sizeof "554 5.4.7 [internal] exceeded max time without delivery" - 1},
};
const struct queue_outcome outcome_out_of_retries = {
    .verdict = QUEUE_PERMANENT,
    .response = {"554 5.4.7 [internal] exceeded max retries without delivery",
                 sizeof "554 5.4.7 [internal] exceeded max retries without delivery" - 1},
};
const struct queue_outcome outcome_not_attempted = {
    .verdict = QUEUE_PERMANENT,
    .response = {"554 5.4.5 [internal] Delivery not attempted (message expired)",
                 sizeof "554 5.4.5 [internal] Delivery not attempted (message expired)" - 1},
};

struct stored_outcome *outcome_store(const struct queue_outcome *outcome)
{
    struct slice peer = outcome->peer, response = outcome->response, host = outcome->host;
    struct stored_outcome *stored = mem_zalloc(sizeof *stored + peer.size + response.size + host.size);
    stored->outcome = *outcome;
    stored->outcome.peer.data = stored->text;
    stored->outcome.response.data = stored->text + peer.size;
    stored->outcome.host.data = stored->text + peer.size + response.size;
    if (peer.size)
        memcpy(stored->text, peer.data, peer.size);
    if (response.size)
        memcpy(stored->text + peer.size, response.data, response.size);
    if (host.size)
        memcpy(stored->text + peer.size + response.size, host.data, host.size);
    return stored;
}

bool outcome_is_own(const struct queue_outcome *outcome)
{
    static const struct queue_outcome *const own[] = {&outcome_out_of_time, &outcome_out_of_retries,
                                                      &outcome_not_attempted};
    for (size_t i = 0; i < sizeof own / sizeof *own; i++)
        if (slice_equal(outcome->response, own[i]->response))
            return true;
    return false;
}

/* The peer, a NUL, the response. */
void outcome_remember(const struct queue_outcome *outcome, struct buf *remark)
{
    struct slice response = outcome->response;
    buf_append_slice(remark, outcome->peer);
    buf_append(remark, "", 1);
    buf_append(remark, response.data, response.size < REMARK_RESPONSE ? response.size : REMARK_RESPONSE);
}

struct stored_outcome *outcome_recall(struct slice remark)
{
    const char *end = remark.size ? memchr(remark.data, '\0', remark.size) : NULL;
    if (!end)
        return NULL;
    size_t peer = (size_t)(end - remark.data);
    struct queue_outcome outcome = {
        .verdict = QUEUE_TRANSIENT,
        .peer = slice_of(remark.data, peer),
        .response = slice_of(end + 1, remark.size - peer - 1),
    };
    return outcome_store(&outcome);
}
