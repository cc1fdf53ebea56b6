/*
 * sdk_inject: messages that modules make.
 *
 *   imp_inject -> [feed, on IO] -> store -> [stored, on the committer] -> finish
 *
 * Content of up to a chunk is read in the caller's thread, the rest and what `read` gives on a thread of the
 * pool "IO", which waits for the disk when it is ahead of it. finish runs on a loop: the caller's, or any.
 */
#include "sdk/sdk_inject.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include "base/clock.h"
#include "base/id.h"
#include "base/mem.h"
#include "base/pending.h"
#include "impulse/inject.h"
#include "log/paniclog.h"
#include "message/context.h"
#include "message/trace.h"
#include "metrics/metric.h"
#include "module/reception_record.h"
#include "module/set.h"
#include "sdk/sdk_address.h"
#include "smtp/wire/data_reader.h"
#include "spool/intake.h"

enum {
    MESSAGES_MAX = 10000,                              /* under way at once */
    PARTS_OUTSTANDING = 4,                             /* at the committer, of one message */
    READ_BYTES = BODY_CHUNK * (PARTS_OUTSTANDING + 2), /* what a message in parts may hold in memory */
};
#define BYTES_MAX (UINT64_C(64) << 20) /* of all that are under way */

static struct {
    struct queue_set *queues;
    struct queue_dependencies dependencies;
    char *hostname;
    struct pending pending;   /* open while messages are taken */
    pthread_mutex_t lock;     /* for the budget */
    uint64_t messages, bytes; /* under way */
    struct metric *injected, *busy, *full, *failed, *cancelled;
} injector = {.pending = PENDING_STATIC, .lock = PTHREAD_MUTEX_INITIALIZER};

struct message_injection {
    struct imp_injection asked; /* its read, done and closure; the rest is not looked at later */
    struct module_set *modules; /* a reference */
    struct runner runner;
    struct loop *home;
    struct loop_task task;
    struct pool_job job;
    uint64_t bytes; /* of the budget */
    uint64_t batch_id;
    uint64_t *ids; /* of the envelopes, which are the queue's when `done` is called */
    enum imp_inject_status status;
    struct envelope **envelopes; /* without a body until it is complete */
    size_t count;
    /* content */
    char *copy; /* of `content` that is read on a pool */
    size_t copy_size;
    struct data_reader reader;
    struct buf content; /* what is not in the spool yet */
    uint64_t stored;    /* bytes that are, in parts */
    struct body *body;
    struct spool_request request;
    /* parts at the committer */
    pthread_mutex_t lock;
    pthread_cond_t settled;
    unsigned outstanding;
    enum spool_status part_status;
};

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
        queue_accept(injector.queues, envelope);
    }
    metric_add(injector.injected, injection->count);
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
    metric_add(status == IMP_INJECT_FULL     ? injector.full
               : status == IMP_INJECT_FAILED ? injector.failed
                                             : injector.cancelled,
               1);
}

static void leave_budget(uint64_t bytes)
{
    pthread_mutex_lock(&injector.lock);
    injector.messages--;
    injector.bytes -= bytes;
    pthread_mutex_unlock(&injector.lock);
}

static void finish(struct loop_task *task)
{
    struct message_injection *injection = container_of(task, struct message_injection, task);
    if (injection->status == IMP_INJECTED) {
        hand_over(injection);
    } else {
        count_failure(injection->status);
        if (injection->stored)
            intake_discard(injector.dependencies.spool, injection->body);
    }
    leave_budget(injection->bytes);
    tell(injection);
    injection_free(injection);
}

/* Any thread. */
static void settle(struct message_injection *injection, enum imp_inject_status status)
{
    injection->status = status;
    injection->task.run = finish;
    loop_post(injection->home, &injection->task); /* it may be gone from here on */
    pending_end(&injector.pending);
}

static enum imp_inject_status status_of(enum spool_status status)
{
    return status == SPOOL_OK ? IMP_INJECTED : status == SPOOL_FULL ? IMP_INJECT_FULL : IMP_INJECT_FAILED;
}

static void stored(struct spool_request *request)
{
    struct message_injection *injection = container_of(request, struct message_injection, request);
    settle(injection, status_of(request->status));
}

/* ---- storing ----------------------------------------------------------------------------------------- */

/* All content was read. */
static void store(struct message_injection *injection)
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
    spool_submit(injector.dependencies.spool, &injection->request);
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
    spool_submit(injector.dependencies.spool, &part->request);
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

static void feed_all(struct pool_job *job)
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
        settle(injection, IMP_INJECT_CANCELLED);
    else if (status != SPOOL_OK)
        settle(injection, status_of(status));
    else
        store(injection);
}

/* ---- what is asked for ------------------------------------------------------------------------------- */

static void complain(const struct imp_module *module, const char *what, const char *text)
{
    static struct panic_rate said;
    paniclog_rated(&said, PANIC_ERROR, "module %s: imp_inject: %s%s%.300s%s", module->label, what,
                   text ? " \"" : "", text ? text : "", text ? "\"" : "");
}

/* False after saying what is wrong. *utf8: an address needs SMTPUTF8. */
static bool check(const struct imp_module *module, const struct imp_injection *asked, bool *utf8)
{
    const char *wrong = NULL;
    if (!sdk_address_is_valid(asked->sender, true, utf8))
        return complain(module, "not a sender:", asked->sender ? asked->sender : "(NULL)"), false;
    if (asked->recipient_count < 1 || asked->recipient_count > IMP_INJECT_RECIPIENTS_MAX ||
        !asked->recipients)
        wrong = "there are no recipients, or more than 10,000";
    else if (!asked->content == !asked->read)
        wrong = "either content or read is to be given";
    if (wrong)
        return complain(module, wrong, NULL), false;
    for (size_t i = 0; i < asked->recipient_count; i++)
        if (!sdk_address_is_valid(asked->recipients[i], false, utf8))
            return complain(module,
                            "not a recipient:", asked->recipients[i] ? asked->recipients[i] : "(NULL)"),
                   false;
    return true;
}

/* False: a name without a value, or one that is none. */
static bool make_context(const char *const *pairs, struct buf *out)
{
    struct context context = {0};
    bool fine = true;
    for (; fine && pairs && *pairs; pairs += 2)
        fine = pairs[1] && context_set(&context, pairs[0], pairs[1]);
    buf_append_slice(out, context_pairs(&context));
    context_clear(&context);
    return fine;
}

/* ---- the budget -------------------------------------------------------------------------------------- */

/* 0, or an errno. */
static int enter_budget(uint64_t bytes)
{
    if (!pending_enter(&injector.pending))
        return ESHUTDOWN;
    pthread_mutex_lock(&injector.lock);
    bool fits = injector.messages < MESSAGES_MAX && injector.bytes + bytes <= BYTES_MAX;
    if (fits) {
        injector.messages++;
        injector.bytes += bytes;
    }
    pthread_mutex_unlock(&injector.lock);
    if (fits)
        return 0;
    metric_add(injector.busy, 1);
    pending_end(&injector.pending);
    return EAGAIN;
}

/* After enter_budget, when nothing came of it. */
static int leave_again(uint64_t bytes)
{
    metric_add(injector.full, 1);
    leave_budget(bytes);
    pending_end(&injector.pending);
    return ENOSPC;
}

/* ---- beginning --------------------------------------------------------------------------------------- */

static void make_envelopes(struct message_injection *injection, const struct imp_injection *asked,
                           struct slice context, bool utf8)
{
    struct envelope_facts facts = {
        .reverse_path = slice_text(asked->sender),
        .binding = slice_text(asked->binding ? asked->binding : "default"),
        .binding_group = slice_text(asked->binding_group ? asked->binding_group : "default"),
        .context = context,
        .origin = {.family = AF_UNSPEC},
        .batch_id = injection->batch_id,
        .received_us = clock_wall_us(),
        .flags = (utf8 || (asked->flags & IMP_INJECT_SMTPUTF8) ? ENVELOPE_SMTPUTF8 : 0) |
                 (asked->flags & IMP_INJECT_NO_NOTICE ? ENVELOPE_NOTIFY_NEVER : 0),
    };
    injection->count = asked->recipient_count;
    injection->envelopes = mem_array(injection->count, sizeof(struct envelope *));
    injection->ids = mem_array(injection->count, sizeof *injection->ids);
    for (size_t i = 0; i < injection->count; i++) {
        facts.recipient = slice_text(asked->recipients[i]);
        facts.id = injection->ids[i] = id_next();
        injection->envelopes[i] = envelope_create(&facts, NULL);
    }
}

static struct message_injection *injection_create(struct imp_module *module,
                                                  const struct imp_injection *asked, struct slice context,
                                                  bool utf8, uint64_t bytes)
{
    struct message_injection *injection = mem_new(struct message_injection);
    struct data_rules rules = {.line_endings = {LINE_ENDINGS_FIX, LINE_ENDINGS_FIX}};
    struct loop *here = loop_current();
    injection->asked = *asked;
    injection->modules = module_set_ref(module->set);
    injection->runner = (struct runner){module->label, "its injection", ""};
    injection->home = here ? here : loop_group_next(injector.dependencies.loops);
    injection->bytes = bytes;
    injection->batch_id = id_next();
    pthread_mutex_init(&injection->lock, NULL);
    pthread_cond_init(&injection->settled, NULL);
    data_reader_init(&injection->reader, &rules);
    make_envelopes(injection, asked, context, utf8);
    if (asked->flags & IMP_INJECT_RECEIVED)
        trace_append_internal(injector.hostname, injection->batch_id,
                              slice_text(injection->count == 1 ? asked->recipients[0] : NULL),
                              clock_wall_us(), &injection->content);
    return injection;
}

static void begin(struct message_injection *injection, const struct imp_injection *asked)
{
    bool end;
    if (asked->content && asked->content_size <= BODY_CHUNK / 2) { /* it may double: bare CRs */
        data_reader_feed(&injection->reader, slice_of(asked->content, asked->content_size),
                         &injection->content, &end);
        store(injection);
        return;
    }
    if (asked->content)
        injection->copy = mem_copy_text(asked->content, asked->content_size);
    injection->copy_size = asked->content_size;
    injection->job.work = feed_all;
    if (!asked->content)
        injection->job.owner = (struct pool_job_owner){injection->runner.module, injection->runner.kind, ""};
    if (!pool_submit(pool_set_find(injector.dependencies.pools, "IO"), &injection->job))
        settle(injection, IMP_INJECT_FAILED);
}

int imp_inject(struct imp_module *module, const struct imp_injection *given)
{
    struct imp_injection asked;
    struct buf context = {0};
    bool utf8 = false;
    int error = EINVAL;
    module_copy_struct(&asked, sizeof asked, given); /* without a size there is no sender, which is named */
    uint64_t bytes = asked.read ? READ_BYTES : asked.content_size + 1024;
    if (!asked.read && asked.content_size > IMP_INJECT_CONTENT_MAX)
        error = EFBIG;
    else if (check(module, &asked, &utf8)) {
        if (make_context(asked.context, &context))
            error = enter_budget(bytes);
        else
            complain(module, "the context has a name without a value, or too much in it", NULL);
    }
    if (!error && !spool_has_room(injector.dependencies.spool, bytes))
        error = leave_again(bytes);
    if (!error)
        begin(injection_create(module, &asked, buf_slice(&context), utf8, bytes), &asked);
    buf_release(&context);
    errno = error;
    return error ? -1 : 0;
}

/* ---- the daemon's side ------------------------------------------------------------------------------- */

static double count_messages(void *unused)
{
    (void)unused;
    pthread_mutex_lock(&injector.lock);
    uint64_t messages = injector.messages;
    pthread_mutex_unlock(&injector.lock);
    return (double)messages;
}

static double count_bytes(void *unused)
{
    (void)unused;
    pthread_mutex_lock(&injector.lock);
    uint64_t bytes = injector.bytes;
    pthread_mutex_unlock(&injector.lock);
    return (double)bytes;
}

static void register_metrics(void)
{
    struct metric_definition refused = {
        .name = "impulse_injections_refused_total",
        .help = "Messages of modules that were not stored: too many at once, disk full or failed, given up",
    };
    injector.injected = metric_core(&(struct metric_definition){
        .name = "impulse_injected_messages_total",
        .help = "Messages that modules made, one for each recipient",
    });
    injector.busy = metric_core_labelled(&refused, "reason", "busy");
    injector.full = metric_core_labelled(&refused, "reason", "full");
    injector.failed = metric_core_labelled(&refused, "reason", "error");
    injector.cancelled = metric_core_labelled(&refused, "reason", "cancelled");
    metric_core(&(struct metric_definition){
        .kind = METRIC_GAUGE,
        .name = "impulse_injections",
        .help = "Messages of modules that are on their way into the spool (at most 10,000)",
        .read = count_messages,
    });
    metric_core(&(struct metric_definition){
        .kind = METRIC_GAUGE,
        .name = "impulse_injection_bytes",
        .help = "Memory set aside for them (at most 64 MiB)",
        .read = count_bytes,
    });
}

void sdk_inject_open(struct queue_set *queues, const struct queue_dependencies *dependencies,
                     const char *hostname)
{
    register_metrics();
    injector.dependencies = *dependencies;
    injector.hostname = mem_dup(hostname);
    injector.queues = queues;
    pending_open(&injector.pending);
}

void sdk_inject_close(void)
{
    pending_close(&injector.pending);
    free(injector.hostname);
    injector.hostname = NULL;
}
