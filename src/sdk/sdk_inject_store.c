/*
 * sdk_inject_store: the content of a message that a module makes, from its bytes into the spool; and its end.
 */
#include "sdk/sdk_inject_private.h"

#include <stdlib.h>
#include "base/mem.h"
#include "module/reception_record.h"

struct injection_part {
    struct spool_request request;
    struct message_injection *injection;
    char *memory;
};

/* ---- the end ----------------------------------------------------------------------------------------- */

static void injection_free(struct message_injection *injection)
{
    for (size_t i = 0; injection->envelopes && i < injection->count; i++)
        envelope_free(injection->envelopes[i]);
    free(injection->envelopes);
    free(injection->ids);
    free(injection->copy);
    buf_release(&injection->content);
    if (injection->body)
        body_unref(injection->body);
    pthread_mutex_destroy(&injection->lock);
    pthread_cond_destroy(&injection->settled);
    module_set_unref(injection->modules);
    free(injection);
}

static void hand_over(struct message_injection *injection)
{
    for (size_t i = 0; i < injection->count; i++) {
        struct envelope *envelope = injection->envelopes[i];
        injection->envelopes[i] = NULL;
        record_reception(injection->modules, envelope, "internal");
        queue_accept(sdk_injector.queues, envelope);
    }
    metric_add(sdk_injector.injected, injection->count);
}

static void tell(const struct message_injection *injection)
{
    static const char *const reasons[] = {
        [IMP_INJECTED] = "stored",
        [IMP_INJECT_FULL] = "the spool's disk is full",
        [IMP_INJECT_FAILED] = "the spool's disk failed",
        [IMP_INJECT_CANCELLED] = "the module gave it up",
    };
    struct imp_injected result = {
        .size = sizeof result,
        .status = injection->status,
        .reason = reasons[injection->status],
        .batch_id = injection->batch_id,
        .message_ids = injection->ids,
        .message_count = injection->status == IMP_INJECTED ? injection->count : 0,
    };
    if (!injection->asked.done)
        return;
    const struct runner *outer = runner_enter(&injection->runner);
    injection->asked.done(&result, injection->asked.closure);
    runner_leave(outer);
}

static void count_failure(enum imp_inject_status status)
{
    metric_add(status == IMP_INJECT_FULL     ? sdk_injector.full
               : status == IMP_INJECT_FAILED ? sdk_injector.failed
                                             : sdk_injector.cancelled,
               1);
}

static void finish(struct loop_task *task)
{
    struct message_injection *injection = container_of(task, struct message_injection, task);
    if (injection->status == IMP_INJECTED) {
        hand_over(injection);
    } else {
        count_failure(injection->status);
        if (injection->stored)
            intake_discard(sdk_injector.dependencies.spool, injection->body);
    }
    sdk_inject_leave_budget(injection->bytes);
    tell(injection);
    injection_free(injection);
}

/* Any thread. */
void sdk_inject_settle(struct message_injection *injection, enum imp_inject_status status)
{
    injection->status = status;
    injection->task.run = finish;
    loop_post(injection->home, &injection->task); /* it may be gone from here on */
    pending_end(&sdk_injector.pending);
}

static enum imp_inject_status status_of(enum spool_status status)
{
    return status == SPOOL_OK ? IMP_INJECTED : status == SPOOL_FULL ? IMP_INJECT_FULL : IMP_INJECT_FAILED;
}

static void stored(struct spool_request *request)
{
    struct message_injection *injection = container_of(request, struct message_injection, request);
    sdk_inject_settle(injection, status_of(request->status));
}

/* ---- storing ----------------------------------------------------------------------------------------- */

/* All content was read. */
void sdk_inject_store(struct message_injection *injection)
{
    data_reader_finish(&injection->reader, &injection->content);
    intake_rest(&injection->request, &injection->body, &injection->content, injection->stored,
                injection->reader.eight_bit);
    for (size_t i = 0; i < injection->count; i++) {
        envelope_attach(injection->envelopes[i], injection->body);
        if (injection->reader.eight_bit)
            injection->envelopes[i]->flags |= ENVELOPE_EIGHT_BIT;
    }
    intake_mark_batches(injection->envelopes, injection->count);
    intake_envelopes(&injection->request, injection->envelopes, injection->count, stored);
    spool_submit(sdk_injector.dependencies.spool, &injection->request);
}

static void part_stored(struct spool_request *request)
{
    struct injection_part *part = container_of(request, struct injection_part, request);
    struct message_injection *injection = part->injection;
    pthread_mutex_lock(&injection->lock);
    if (request->status != SPOOL_OK)
        injection->part_status = request->status;
    injection->outstanding--;
    pthread_cond_signal(&injection->settled);
    pthread_mutex_unlock(&injection->lock);
    free(part->memory);
    free(part);
}

/* Waits until at most `most` parts are at the committer; what became of those so far. A pool's thread. */
static enum spool_status await_parts(struct message_injection *injection, unsigned most)
{
    pthread_mutex_lock(&injection->lock);
    while (injection->outstanding > most)
        pthread_cond_wait(&injection->settled, &injection->lock);
    enum spool_status status = injection->part_status;
    pthread_mutex_unlock(&injection->lock);
    return status;
}

static void store_part(struct message_injection *injection)
{
    struct injection_part *part = mem_new(struct injection_part);
    part->injection = injection;
    part->memory = mem_copy_text(buf_slice(&injection->content).data, BODY_CHUNK);
    buf_consume(&injection->content, BODY_CHUNK);
    intake_part(&part->request, &injection->body, slice_of(part->memory, BODY_CHUNK), part_stored);
    injection->stored += BODY_CHUNK;
    pthread_mutex_lock(&injection->lock);
    injection->outstanding++;
    pthread_mutex_unlock(&injection->lock);
    spool_submit(sdk_injector.dependencies.spool, &part->request);
}

/* Takes in some content; false: the disk refuses it. A pool's thread. */
static bool feed(struct message_injection *injection, struct slice data)
{
    enum { STEP = 64 * 1024 };
    bool end;
    while (data.size > 0) {
        struct slice step = slice_of(data.data, data.size < STEP ? data.size : STEP);
        data_reader_feed(&injection->reader, step, &injection->content, &end);
        data = slice_of(data.data + step.size, data.size - step.size);
        while (buf_size(&injection->content) > BODY_CHUNK) {
            if (await_parts(injection, PARTS_OUTSTANDING - 1) != SPOOL_OK)
                return false;
            store_part(injection);
        }
    }
    return true;
}

/* What the module's `read` answers. */
static int read_more(struct message_injection *injection, struct slice *data)
{
    const struct runner *outer = runner_enter(&injection->runner);
    int more = injection->asked.read(&data->data, &data->size, injection->asked.closure);
    runner_leave(outer);
    return more;
}

void sdk_inject_feed_all(struct pool_job *job)
{
    struct message_injection *injection = container_of(job, struct message_injection, job);
    struct slice data = slice_of(injection->copy, injection->copy_size);
    int more = 1;
    bool fine = true;
    if (injection->copy)
        fine = feed(injection, data);
    else
        while (fine && (more = read_more(injection, &data)) == 1)
            fine = feed(injection, data);
    enum spool_status status = await_parts(injection, 0);
    if (more < 0 || (more > 1 && fine))
        sdk_inject_settle(injection, IMP_INJECT_CANCELLED);
    else if (status != SPOOL_OK)
        sdk_inject_settle(injection, status_of(status));
    else
        sdk_inject_store(injection);
}
