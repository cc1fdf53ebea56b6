/*
 * succession: an envelope becomes another of the same body.
 */
#include "queue/succession.h"

#include "base/buf.h"
#include "base/mem.h"
#include "queue/flight.h"

struct succession {
    struct spool_request request;
    struct loop_task task;
    struct list_node link; /* in shard->successions */
    struct shard *shard;
    struct envelope *successor;
    struct buf record;
};

static void free_succession(struct succession *succession)
{
    list_remove(&succession->link);
    buf_release(&succession->record);
    free(succession);
}

/* On the loop's thread: to accept an envelope calls modules. */
static void go_on(struct loop_task *task)
{
    struct succession *succession = container_of(task, struct succession, task);
    struct shard *shard = succession->shard;
    queue_accept(shard->set, succession->successor);
    free_succession(succession);
    shard_flight_end(shard);
}

static void replaced(struct spool_request *request)
{
    struct succession *succession = container_of(request, struct succession, request);
    struct queue_set *set = succession->shard->set;
    loop_post(succession->shard->loop, &succession->task); /* it may be gone from here on */
    pending_end(&set->outside);
}

void envelope_replace(struct shard *shard, struct envelope *envelope, struct envelope *successor)
{
    struct queue_set *set = shard->set;
    if (envelope->flags & ENVELOPE_DEFERRED) {
        envelope_free(envelope);
        queue_accept(set, successor);
        return;
    }
    struct succession *succession = mem_new(struct succession);
    succession->task.run = go_on;
    succession->shard = shard;
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
    list_append(&shard->successions, &succession->link);
    shard_flight_begin(shard);
    pending_begin(&set->outside);
    spool_submit(set->dependencies.spool, &succession->request);
    envelope_free(envelope);
}

void succession_free_all(struct shard *shard)
{
    list_each(&shard->successions, node, after) {
        struct succession *succession = container_of(node, struct succession, link);
        envelope_free(succession->successor); /* the spool has it, or the one before */
        free_succession(succession);
    }
}
