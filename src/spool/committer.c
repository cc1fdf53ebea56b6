/*
 * committer: group commit, and what to do when the disk does not take it.
 */
#include "spool/committer.h"

#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <time.h>
#include "base/buf.h"
#include "base/clock.h"
#include "base/mem.h"
#include "base/thread.h"
#include "event/loop.h"
#include "log/paniclog.h"
#include "metrics/metric.h"
#include "spool/batch.h"
#include "spool/request_queue.h"

enum {
    BATCH_BYTES = 8 << 20,  /* of content in one commit; bounds memory and how long the first one waits */
    REVIVE_MS = 1000,       /* between attempts to write to a disk that fails */
    STRIKES = 2,            /* commits that fail in a row before the rest is refused untried */
    UNRECORDED_MOST = 2000, /* changes that wait while the disk seems to work, or hangs */
};

enum phase {
    HOLDING,    /* what must not be forgotten waits until the disk takes it */
    LETTING_GO, /* it gets an answer after one attempt */
    STOPPING,
};

struct committer {
    struct spool_backend *backend;
    struct room *room;
    struct reclaimer *reclaimer;
    _Atomic(struct spool_request *) inbox; /* a stack, newest first; pushed by any thread, taken whole */
    sem_t arrivals; /* posted when the inbox stops being empty, and when the phase changes */
    _Atomic int phase;
    _Atomic uint64_t unrecorded; /* removals, updates and replacements submitted and not settled */
    _Atomic bool holds_back;     /* the disk failed, and some requests are held until it works again */
    pthread_t thread;
    /* the thread's own: */
    struct request_queue pending;
    struct buf record; /* scratch for batch_add */
    /* Of a batch that failed, and whose fate is not known until the backend lives again: */
    struct buf doubtful;   /* what its requests put that were refused */
    struct buf successors; /* what its REPLACEs put */
    size_t held;           /* so many of its requests are the first of the pending ones */
    size_t alone;          /* so many requests are committed one by one */
    unsigned strikes;
    struct panic_rate let_go; /* limits the line about what was let go */
    uint64_t messages;        /* envelopes in the store */
    uint64_t messages_after;  /* the same after the batch that is being committed */
    bool failed;              /* the backend has to be revived before it is used */
    enum spool_status failure;
    struct metric *commit_seconds, *commit_requests; /* histograms */
    struct metric *full, *errors;                    /* requests that were refused */
    uint64_t retry_at; /* clock_mono_ms; with `failed` or many strikes, nothing is tried before */
};

static const struct spool_backend_operations *on(const struct spool_backend *backend)
{
    return backend->operations;
}

/* ---- settling ------------------------------------------------------------------------------------------ */

/* Keeps the reclaimer's account of how much content is needed. */
static void account(struct committer *committer, const struct spool_request *request)
{
    if (batch_keeps(request))
        reclaimer_add(committer->reclaimer, request->data.size);
    else if (request->kind == SPOOL_DISCARD)
        reclaimer_discard(committer->reclaimer, request->facts.id, request->facts.bytes);
    else if (request->kind == SPOOL_REMOVE && request->facts.last)
        reclaimer_remove(committer->reclaimer, request->body->size);
}

static bool is_change(const struct spool_request *request)
{
    return request->kind == SPOOL_REMOVE || request->kind == SPOOL_UPDATE || request->kind == SPOOL_REPLACE;
}

static void settle(struct committer *committer, struct spool_request *request, enum spool_status status)
{
    if (is_change(request))
        atomic_fetch_sub_explicit(&committer->unrecorded, 1, memory_order_relaxed);
    if (status == SPOOL_UNKNOWN && request->kind != SPOOL_STORE)
        status = SPOOL_ERROR; /* a part without its end is never delivered */
    if (status == SPOOL_OK) {
        account(committer, request);
    } else if (batch_keeps(request)) {
        request->body->incomplete = true;
        metric_add(status == SPOOL_FULL ? committer->full : committer->errors, 1);
    }
    if (request->kind == SPOOL_REMOVE) {
        body_unref(request->body);
        request->body = NULL;
    }
    request->status = status;
    if (request->done)
        request->done(request);
    else
        free(request);
}

static void settle_all(struct committer *committer, struct request_queue *queue, enum spool_status status)
{
    struct spool_request *request;
    loop_hold_wakes();
    while ((request = request_queue_pop(queue)))
        settle(committer, request, status);
    loop_release_wakes();
}

/*
 * Refuses what keeps content in `queue`; the rest goes back to be tried again, in its order. Returns how many
 * those are.
 */
static size_t refuse(struct committer *committer, struct request_queue *queue, enum spool_status status)
{
    struct request_queue kept;
    struct spool_request *request;
    request_queue_init(&kept);
    loop_hold_wakes();
    while ((request = request_queue_pop(queue))) {
        if (batch_keeps(request))
            settle(committer, request, status);
        else
            request_queue_append(&kept, request);
    }
    loop_release_wakes();
    size_t count = kept.count;
    request_queue_prepend(&committer->pending, &kept);
    return count;
}

/* ---- one batch ----------------------------------------------------------------------------------------- */

/* May the request go into a batch? If not, it is settled. */
static bool admit(struct committer *committer, struct spool_request *request)
{
    if (!batch_keeps(request))
        return true;
    if (!request->body->incomplete && room_take(committer->room, request->data.size))
        return true;
    settle(committer, request, SPOOL_FULL);
    return false;
}

/*
 * Moves the next batch from the pending requests. A DISCARD looks at rows, so it begins a batch of its own:
 * what came before it is then in the store.
 */
static void take_batch(struct committer *committer, struct request_queue *batch)
{
    struct request_queue *pending = &committer->pending;
    size_t most = committer->alone ? 1 : SIZE_MAX, bytes = 0;
    request_queue_init(batch);
    while (pending->first && batch->count < most && bytes < BATCH_BYTES) {
        if (pending->first->kind == SPOOL_DISCARD && batch->count > 0)
            break;
        struct spool_request *request = request_queue_pop(pending);
        if (committer->alone)
            committer->alone--;
        if (!admit(committer, request))
            continue;
        if (batch_keeps(request))
            bytes += request->data.size;
        request_queue_append(batch, request);
    }
}

static enum spool_status commit(struct committer *committer, const struct request_queue *batch)
{
    bool durable = false;
    committer->messages_after = committer->messages;
    for (struct spool_request *request = batch->first; request; request = request->next) {
        batch_add(committer->backend, request, &committer->record);
        durable = durable || request->durable || request->kind == SPOOL_REPLACE;
        if (request->kind == SPOOL_STORE) {
            durable = true;
            atomic_store(&request->body->undelivered, (uint32_t)request->envelope_count);
            committer->messages_after += request->envelope_count;
        } else if (request->kind == SPOOL_REMOVE && committer->messages_after > 0) {
            committer->messages_after--;
        }
    }
    on(committer->backend)->count(committer->backend, committer->messages_after);
    uint64_t began = clock_mono_us();
    enum spool_status status = on(committer->backend)->commit(committer->backend, durable);
    if (durable)
        metric_observe(committer->commit_seconds, (double)(clock_mono_us() - began) / 1e6);
    metric_observe(committer->commit_requests, (double)batch->count);
    return status;
}

/* ---- failure ------------------------------------------------------------------------------------------- */

static void report_failure(struct committer *committer, enum spool_status status)
{
    if (committer->strikes == 0)
        paniclog(PANIC_CRITICAL, "spool: %s; messages are refused with %s until writing works again: %s",
                 status == SPOOL_FULL ? "the disk is full" : "writing failed",
                 status == SPOOL_FULL ? "452" : "451", on(committer->backend)->failure(committer->backend));
    if (committer->strikes == 0 && on(committer->backend)->may_be_kept(committer->backend))
        paniclog(
            PANIC_WARNING,
            "spool: messages that were being made durable get no answer unless it can be found out whether "
            "they are");
}

/* Makes the backend usable if it is not. */
static bool revive(struct committer *committer)
{
    if (committer->failed && on(committer->backend)->revive(committer->backend))
        committer->failed = false;
    return !committer->failed;
}

/* 1, 0, or -EIO when that cannot be read either. */
static int was_kept(const struct committer *committer)
{
    int kept = batch_was_kept(committer->backend, &committer->doubtful);
    return kept ? kept : batch_was_kept(committer->backend, &committer->successors);
}

/* Revives the backend and asks whether the batch in doubt was kept. False if that cannot be known now. */
static bool find_out(struct committer *committer, bool *kept)
{
    int answer = revive(committer) ? was_kept(committer) : -EIO;
    if (answer < 0)
        committer->failed = true;
    *kept = answer > 0;
    return answer >= 0;
}

static void forget_doubts(struct committer *committer)
{
    buf_clear(&committer->doubtful);
    buf_clear(&committer->successors);
    committer->held = 0;
}

/*
 * Settles what is left of a failed batch whose requests were refused or held while the backend could not be
 * asked. If it was kept after all, what is held of it is done, and must not be done again; the rows of what
 * was refused go. False if that fails; the backend has to be revived again.
 */
static bool clear_doubts(struct committer *committer)
{
    struct request_queue done;
    bool kept, cleared = true;
    if (!find_out(committer, &kept))
        return false;
    request_queue_init(&done);
    for (; kept && committer->held > 0; committer->held--) {
        struct spool_request *request = request_queue_pop(&committer->pending);
        if (request->kind == SPOOL_REMOVE && committer->messages > 0)
            committer->messages--;
        request_queue_append(&done, request);
    }
    on(committer->backend)->count(committer->backend, committer->messages);
    if (kept && buf_size(&committer->doubtful) > 0) {
        batch_undo_puts(committer->backend, &committer->doubtful);
        cleared = on(committer->backend)->commit(committer->backend, true) == SPOOL_OK;
    }
    settle_all(committer, &done, SPOOL_OK);
    if (cleared) {
        forget_doubts(committer);
    } else { /* only the rows of the refused are in doubt now */
        committer->failed = true;
        committer->held = 0;
        buf_clear(&committer->successors);
    }
    return cleared;
}

/* `batch` failed: finds out whether it was kept, and decides what of it is tried again. */
static void handle_failure(struct committer *committer, struct request_queue *batch, enum spool_status status)
{
    report_failure(committer, status);
    committer->failure = status;
    committer->failed = true;
    committer->strikes++;
    forget_doubts(committer);
    size_t keeping = 0;
    for (struct spool_request *request = batch->first; request; request = request->next) {
        keeping += batch_keeps(request);
        batch_note_puts(request, &committer->doubtful);
        batch_note_successor(request, &committer->successors);
    }
    bool in_doubt = on(committer->backend)->may_be_kept(committer->backend);
    bool kept, alive = find_out(committer, &kept);
    if (alive)
        forget_doubts(committer);
    if (kept) {
        committer->messages = committer->messages_after;
        settle_all(committer, batch, SPOOL_OK);
        return;
    }
    if (!alive || committer->strikes > STRIKES)
        committer->retry_at = clock_mono_ms() + REVIVE_MS;
    if (!alive || batch->count == 1 || keeping == 0 || committer->strikes > STRIKES) {
        size_t held = refuse(committer, batch, !alive && in_doubt ? SPOOL_UNKNOWN : status);
        committer->held = alive ? 0 : held;
        return;
    }
    committer->alone = batch->count;
    request_queue_prepend(&committer->pending, batch);
}

/* May the disk be written to? If it failed lately, no; if it failed a while ago, that is found out. */
static bool is_ready(struct committer *committer)
{
    if (committer->strikes == 0)
        return true;
    if (clock_mono_ms() < committer->retry_at)
        return false;
    if (clear_doubts(committer))
        return true;
    committer->retry_at = clock_mono_ms() + REVIVE_MS;
    return false;
}

static void note_success(struct committer *committer)
{
    if (committer->strikes == 0)
        return;
    if (!committer->alone) {
        committer->strikes = 0;
        paniclog(PANIC_NOTICE, "spool: writing works again");
    }
}

/* ---- the thread ---------------------------------------------------------------------------------------- */

/* Appends what arrived to the pending requests, oldest first. */
static void collect(struct committer *committer)
{
    struct spool_request *newest = atomic_exchange_explicit(&committer->inbox, NULL, memory_order_acquire);
    struct spool_request *oldest = NULL;
    while (newest) {
        struct spool_request *next = newest->next;
        newest->next = oldest;
        oldest = newest;
        newest = next;
    }
    while (oldest) {
        struct spool_request *next = oldest->next;
        if (oldest->kind == SPOOL_REMOVE)
            oldest->facts.last = atomic_fetch_sub(&oldest->body->undelivered, 1) == 1;
        request_queue_append(&committer->pending, oldest);
        oldest = next;
    }
}

/* Commits the pending requests until none are left or the disk does not take them. */
static void commit_pending(struct committer *committer)
{
    while (committer->pending.first) {
        if (!is_ready(committer)) {
            struct request_queue all = committer->pending;
            request_queue_init(&committer->pending);
            refuse(committer, &all, committer->failure);
            return;
        }
        struct request_queue batch;
        take_batch(committer, &batch);
        if (!batch.first)
            continue;
        enum spool_status status = commit(committer, &batch);
        if (status == SPOOL_OK) {
            note_success(committer);
            committer->messages = committer->messages_after;
            settle_all(committer, &batch, SPOOL_OK);
        } else {
            handle_failure(committer, &batch, status);
        }
    }
}

/* Waits for a request; not for long while some are held back. */
static void wait_for_arrivals(struct committer *committer)
{
    struct timespec until;
    if (!committer->pending.first) {
        while (sem_wait(&committer->arrivals) != 0 && errno == EINTR)
            ;
        return;
    }
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += 1;
    while (sem_timedwait(&committer->arrivals, &until) != 0 && errno == EINTR)
        ;
}

/* What could not be removed from a disk that fails will be tried, and perhaps delivered, again. */
static void let_go(struct committer *committer)
{
    if (!committer->pending.first)
        return;
    paniclog_rated(&committer->let_go, PANIC_ERROR,
                   "spool: %zu removals and updates could not be written; their messages are tried again "
                   "at the next start",
                   committer->pending.count);
    committer->held = 0;
    buf_clear(&committer->successors);
    settle_all(committer, &committer->pending, SPOOL_ERROR);
}

/* The thread ends: lets go of what is pending, and makes durable what was written. */
static void give_up(struct committer *committer)
{
    let_go(committer);
    if (committer->failed || on(committer->backend)->commit(committer->backend, true) != SPOOL_OK)
        paniclog(PANIC_ERROR, "spool: not everything could be made durable at the end: %s",
                 on(committer->backend)->failure(committer->backend));
}

static void *run(void *argument)
{
    struct committer *committer = argument;
    int before = HOLDING, phase;
    do {
        wait_for_arrivals(committer);
        phase = atomic_load(&committer->phase);
        collect(committer);
        if (phase != before)
            committer->retry_at = 0; /* one more attempt, at once */
        before = phase;
        commit_pending(committer);
        atomic_store(&committer->holds_back, committer->pending.first != NULL);
        if (phase == LETTING_GO)
            let_go(committer);
    } while (phase != STOPPING);
    give_up(committer);
    return NULL;
}

static void register_metrics(struct committer *committer)
{
    static const double seconds[] = {0.0001, 0.0003, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1, 3};
    static const double requests[] = {1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024};
    struct metric_definition refused = {
        .name = "impulse_spool_refusals_total",
        .help = "Messages, and parts of large ones, that the spool could not store",
    };
    committer->commit_seconds = metric_core(&(struct metric_definition){
        .kind = METRIC_HISTOGRAM,
        .name = "impulse_spool_commit_seconds",
        .help = "Time that a commit took which made messages durable",
        .bounds = seconds,
        .bound_count = sizeof seconds / sizeof *seconds,
    });
    committer->commit_requests = metric_core(&(struct metric_definition){
        .kind = METRIC_HISTOGRAM,
        .name = "impulse_spool_commit_requests",
        .help = "Requests that shared a commit: messages stored, updated and removed",
        .bounds = requests,
        .bound_count = sizeof requests / sizeof *requests,
    });
    committer->full = metric_core_labelled(&refused, "reason", "full");
    committer->errors = metric_core_labelled(&refused, "reason", "error");
}

struct committer *committer_start(struct spool_backend *backend, struct room *room,
                                  struct reclaimer *reclaimer)
{
    struct committer *committer = mem_new(struct committer);
    committer->backend = backend;
    committer->room = room;
    committer->reclaimer = reclaimer;
    atomic_init(&committer->inbox, NULL);
    atomic_init(&committer->phase, HOLDING);
    atomic_init(&committer->unrecorded, 0);
    atomic_init(&committer->holds_back, false);
    request_queue_init(&committer->pending);
    sem_init(&committer->arrivals, 0, 0);
    register_metrics(committer);
    int error = thread_start(&committer->thread, "committer", 0, run, committer);
    if (error) {
        sem_destroy(&committer->arrivals);
        free(committer);
        errno = -error;
        return NULL;
    }
    return committer;
}

void committer_found(struct committer *committer, uint64_t messages)
{
    committer->messages = messages;
}

void committer_push(struct committer *committer, struct spool_request *newest, struct spool_request *oldest)
{
    struct spool_request *before = atomic_load_explicit(&committer->inbox, memory_order_relaxed);
    uint64_t changes = 0;
    for (const struct spool_request *request = newest;; request = request->next) {
        changes += is_change(request);
        if (request == oldest)
            break;
    }
    if (changes)
        atomic_fetch_add_explicit(&committer->unrecorded, changes, memory_order_relaxed);
    do
        oldest->next = before;
    while (!atomic_compare_exchange_weak_explicit(&committer->inbox, &before, newest, memory_order_release,
                                                  memory_order_relaxed));
    if (!before)
        sem_post(&committer->arrivals);
}

void committer_submit(struct committer *committer, struct spool_request *request)
{
    committer_push(committer, request, request);
}

uint64_t committer_unrecorded(const struct committer *committer)
{
    return atomic_load_explicit(&committer->unrecorded, memory_order_relaxed);
}

bool committer_is_behind(const struct committer *committer)
{
    return atomic_load_explicit(&committer->holds_back, memory_order_relaxed) ||
           committer_unrecorded(committer) > UNRECORDED_MOST;
}

void committer_let_go(struct committer *committer)
{
    int holding = HOLDING;
    if (atomic_compare_exchange_strong(&committer->phase, &holding, LETTING_GO))
        sem_post(&committer->arrivals);
}

void committer_finish(struct committer *committer)
{
    if (atomic_exchange(&committer->phase, STOPPING) == STOPPING)
        return;
    sem_post(&committer->arrivals);
    pthread_join(committer->thread, NULL);
}

void committer_stop(struct committer *committer)
{
    committer_finish(committer);
    sem_destroy(&committer->arrivals);
    buf_release(&committer->record);
    buf_release(&committer->doubtful);
    buf_release(&committer->successors);
    free(committer);
}
