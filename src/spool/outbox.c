/*
 * outbox: see outbox.h. Each thread has its own; only that of a loop is ever filled.
 */
#include "spool/outbox.h"

#include "base/list.h"
#include "event/loop.h"

static _Thread_local struct outbox {
    struct committer *committer;
    struct spool_request *newest, *oldest; /* NULL: none */
    struct loop_task flush;
} outbox;

static void flush_outbox(struct loop_task *task)
{
    struct outbox *full = container_of(task, struct outbox, flush);
    committer_push(full->committer, full->newest, full->oldest);
    full->newest = full->oldest = NULL;
}

/* Puts the first request into an empty outbox. False if the thread has no turns. */
static bool begin(struct committer *committer, struct spool_request *request)
{
    outbox.flush.run = flush_outbox;
    if (!loop_at_turn_end(&outbox.flush))
        return false;
    outbox.committer = committer;
    outbox.newest = outbox.oldest = request;
    return true;
}

void outbox_submit(struct committer *committer, struct spool_request *request)
{
    if (outbox.newest && outbox.committer == committer) {
        request->next = outbox.newest;
        outbox.newest = request;
    } else if (outbox.newest || !begin(committer, request)) {
        committer_submit(committer, request);
    }
}
