/*
 * outcome: outcomes that the queue finds by itself, and copies of those that delivery brings.
 */
#include "base/mem.h"
#include "queue/outcome.h"

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
    struct slice peer = outcome->peer, response = outcome->response;
    struct stored_outcome *stored = mem_zalloc(sizeof *stored + peer.size + response.size);
    stored->outcome = *outcome;
    stored->outcome.peer.data = stored->text;
    stored->outcome.response.data = stored->text + peer.size;
    if (peer.size)
        memcpy(stored->text, peer.data, peer.size);
    if (response.size)
        memcpy(stored->text + peer.size, response.data, response.size);
    return stored;
}
