/*
 * notice: telling a sender what became of a message.
 *
 *   notice_send -> [read, on SwapIn] -> store -> [stored, on the committer] -> finish
 *
 * Steps in brackets run elsewhere, counted in set->outside, and come back with loop_post. What is read is the
 * content, when it is not in memory, and the answer to the last attempt, when it was not brought along.
 */
#include "base/buf.h"
#include "base/clock.h"
#include "base/id.h"
#include "base/mem.h"
#include "log/paniclog.h"
#include "message/cursor.h"
#include "module/reception_record.h"
#include "queue/flight.h"
#include "queue/notice.h"
#include "queue/outcome.h"
#include "queue/queue_metrics.h"
#include "queue/retry.h"
#include "queue/spooling.h"
#include "spool/intake.h"

enum {
    NOTICES = 1000, /* in the making at once in a loop; others wait */
    COMPLAINT_MS = 60000,
};

enum original { ORIGINAL_NONE, ORIGINAL_HEADER, ORIGINAL_WHOLE };

struct notice {
    struct list_node link; /* in shard->notices or shard->notices_waiting */
    struct queue *queue;
    struct envelope *subject;
    enum dsn_action action;
    struct stored_outcome *outcome, *last; /* owned; last: NULL when there is none */
    notice_done_fn *done;
    struct pool_job job;
    bool read_content, read_remark; /* for the job, which must not look at the queue */
    struct buf content;             /* what is returned of the message, or more */
    char *remark;                   /* what the spool remembers of the last attempt */
    size_t remark_size;
    struct spool_request request;
    struct envelope *notification;
    struct loop_task task; /* the next step on the queue's loop */
};

bool notice_is_wanted(const struct queue *queue, const struct envelope *subject, enum dsn_action action)
{
    uint32_t notify = subject->flags & ENVELOPE_NOTIFY;
    if (subject->reverse_path.size == 0 || (subject->flags & ENVELOPE_BOUNCE))
        return false;
    if (action == DSN_FAILED)
        return queue->settings->generate_bounces && (!notify || (notify & ENVELOPE_NOTIFY_FAILURE));
    return notify & (action == DSN_DELAYED ? ENVELOPE_NOTIFY_DELAY : ENVELOPE_NOTIFY_SUCCESS);
}

static bool is_success(const struct notice *notice)
{
    return notice->action == DSN_DELIVERED || notice->action == DSN_RELAYED;
}

/* ---- the last step ----------------------------------------------------------------------------------- */

static void free_notice(struct notice *notice)
{
    list_remove(&notice->link);
    free(notice->outcome);
    free(notice->last);
    buf_release(&notice->content);
    free(notice->remark);
    free(notice);
}

/* Once a minute: it concerns every notification alike. */
static void complain(struct shard *shard, enum spool_status status)
{
    if (!panic_rate_allows(&shard->complaints, COMPLAINT_MS, NULL))
        return;
    paniclog(
        PANIC_ERROR,
        "notifications cannot be stored (%s): undeliverable messages stay queued and are tried again every "
        "minute, other notifications are lost: check the disk under spoolbase",
        status == SPOOL_FULL ? "disk full" : "disk error");
}

static void begin_waiting(struct shard *shard);

static void finish(struct loop_task *task)
{
    struct notice *notice = container_of(task, struct notice, task);
    struct queue *queue = notice->queue;
    struct shard *shard = queue->shard;
    enum spool_status status = notice->request.status;
    if (status != SPOOL_OK)
        complain(shard, status);
    notice->done(queue, notice->subject, &notice->outcome->outcome, status);
    if (status == SPOOL_OK) {
        record_reception(queue_modules(queue), notice->notification, "internal");
        metric_add(queue_metrics.notices, 1);
        queue_accept(shard->set, notice->notification);
    } else {
        envelope_free(notice->notification);
    }
    free_notice(notice);
    shard->notice_count--;
    begin_waiting(shard);
    shard_flight_end(shard);
    queue_free_unused(queue);
}

static void stored(struct spool_request *request)
{
    struct notice *notice = container_of(request, struct notice, request);
    struct queue_set *set = notice->queue->shard->set;
    loop_post(notice->queue->shard->loop, &notice->task); /* notice may be gone from here on */
    pending_end(&set->outside);
}

/* ---- rendering and storing --------------------------------------------------------------------------- */

/*
 * How much of the message goes back: RET where the sender said it (RFC 3461 section 4.3: of failures only),
 * and no more than the header of what was to travel under TLS (RFC 8689 section 5).
 */
static enum original wanted_original(const struct notice *notice)
{
    uint32_t flags = notice->subject->flags;
    if (flags & (ENVELOPE_RET_HDRS | ENVELOPE_REQUIRETLS))
        return ORIGINAL_HEADER;
    if (!(flags & ENVELOPE_RET_FULL) && notice->queue->settings->bounces_inline_original == BOUNCE_NONE)
        return ORIGINAL_NONE;
    if (notice->action != DSN_FAILED || (flags & ENVELOPE_BINARY)) /* a report is lines */
        return ORIGINAL_HEADER;
    return (flags & ENVELOPE_RET_FULL) || notice->queue->settings->bounces_inline_original == BOUNCE_ALL
               ? ORIGINAL_WHOLE
               : ORIGINAL_HEADER;
}

static void render(const struct notice *notice, const char *postmaster, uint64_t id, struct buf *text)
{
    struct queue *queue = notice->queue;
    const struct envelope *subject = notice->subject;
    struct slice content = buf_slice(&notice->content);
    enum original original = content.size ? wanted_original(notice) : ORIGINAL_NONE;
    struct dsn_facts facts = {
        .action = notice->action,
        .id = id,
        .now_us = clock_wall_us(),
        .arrival_us = subject->received_us,
        .retry_until_us = retry_expiry(queue->settings, subject->received_us),
        .hostname = queue->shard->generation->hostname,
        .from = queue->settings->mailerdaemon ? queue->settings->mailerdaemon : postmaster,
        .reverse_path = subject->reverse_path,
        .recipient = subject->recipient,
        .response = notice->outcome->outcome.response,
        .peer = notice->outcome->outcome.peer,
        .envid = envelope_parameter(subject, "ENVID"),
        .orcpt = envelope_parameter(subject, "ORCPT"),
        .whole = original == ORIGINAL_WHOLE && subject->body->chunks == 1,
        .utf8 = subject->flags & ENVELOPE_SMTPUTF8,
    };
    if (notice->last) {
        facts.last_response = notice->last->outcome.response;
        facts.last_peer = notice->last->outcome.peer;
    }
    if (original != ORIGINAL_NONE)
        facts.original = facts.whole ? content : dsn_header_of(content);
    dsn_render(&facts, text);
}

static struct envelope *make_notification(struct notice *notice)
{
    uint64_t id = id_next();
    char *postmaster = mem_printf("mailer-daemon@%s", notice->queue->shard->generation->hostname);
    struct buf text = {0};
    render(notice, postmaster, id, &text);
    free(postmaster);

    struct body *body = NULL;
    struct slice to = notice->subject->reverse_path;
    intake_rest(&notice->request, &body, &text, 0, !slice_is_ascii(buf_slice(&text)));
    struct envelope_facts envelope = {
        .recipient = to,
        .binding = SLICE_LITERAL("default"),
        .binding_group = SLICE_LITERAL("default"),
        .id = id,
        .batch_id = id_next(),
        .received_us = clock_wall_us(),
        .flags = ENVELOPE_BOUNCE | (body->eight_bit ? ENVELOPE_EIGHT_BIT : 0) |
                 (slice_is_ascii(to) ? 0 : ENVELOPE_SMTPUTF8),
    };
    struct envelope *notification = envelope_create(&envelope, body);
    body_unref(body);
    return notification;
}

static void store(struct notice *notice)
{
    struct queue_set *set = notice->queue->shard->set;
    notice->notification = make_notification(notice);
    intake_envelopes(&notice->request, &notice->notification, 1, stored);
    notice->task.run = finish;
    struct envelope *delivered = is_success(notice) ? notice->subject : NULL;
    if (delivered)
        notice->subject = NULL;
    pending_begin(&set->outside);
    spool_submit(set->dependencies.spool, &notice->request);
    if (delivered)
        envelope_finish(set, delivered);
}

/* ---- reading the message ----------------------------------------------------------------------------- */

/*
 * A large message is returned by its header, which is in its first chunk. On a loop `reader` is NULL: nothing
 * is read then but what is in memory.
 */
static void collect(struct notice *notice, struct content_reader *reader)
{
    const struct envelope *subject = notice->subject;
    uint64_t limit = BODY_CHUNK + subject->header.size;
    struct message_cursor cursor;
    int got;
    cursor_open(&cursor, subject, reader, NULL, NULL);
    if (subject->body->chunks == 1 && wanted_original(notice) == ORIGINAL_WHOLE)
        limit = cursor_size(&cursor);
    while (cursor.at < limit && (got = cursor_fetch(&cursor)) != 0) {
        if (got < 0) {
            buf_release(&notice->content);
            break;
        }
        uint64_t left = limit - cursor.at, size = cursor.run.size < left ? cursor.run.size : left;
        buf_append(&notice->content, cursor.run.data, size);
        cursor_consume(&cursor, size);
    }
    cursor_close(&cursor);
}

static void was_read(struct loop_task *task)
{
    struct notice *notice = container_of(task, struct notice, task);
    if (notice->remark)
        notice->last = outcome_recall(slice_of(notice->remark, notice->remark_size));
    store(notice);
}

/* On a SwapIn thread. */
static void read_back(struct pool_job *job)
{
    struct notice *notice = container_of(job, struct notice, job);
    struct queue_set *set = notice->queue->shard->set;
    struct spool *spool = set->dependencies.spool;
    const struct envelope *subject = notice->subject;
    if (!notice->read_remark ||
        spool_remark_read(spool, subject->id, &notice->remark, &notice->remark_size) != 0)
        notice->remark = NULL;
    if (notice->read_content) {
        struct content_reader reader;
        content_reader_init(&reader, spool_read_content, spool);
        collect(notice, &reader);
    }
    loop_post(notice->queue->shard->loop, &notice->task);
    pending_end(&set->outside);
}

/* Is what the last attempt ended with in the spool only? */
static bool must_read_remark(const struct notice *notice)
{
    return !notice->last && outcome_is_own(&notice->outcome->outcome) && notice->subject->retries > 0;
}

/* Is there something to be had that is not in memory? */
static bool must_read(const struct notice *notice)
{
    const struct envelope *subject = notice->subject;
    if (subject->flags & ENVELOPE_DEFERRED)
        return false;
    if (must_read_remark(notice))
        return true;
    if (wanted_original(notice) == ORIGINAL_NONE || subject->body->size == 0)
        return false;
    if (!body_pin(subject->body))
        return true;
    body_unpin(subject->body);
    return false;
}

static bool start_reading(struct notice *notice)
{
    struct queue_set *set = notice->queue->shard->set;
    struct pool *pool = set->dependencies.pools ? pool_set_find(set->dependencies.pools, "SwapIn") : NULL;
    if (!pool)
        return false;
    notice->job.work = read_back;
    notice->read_content = wanted_original(notice) != ORIGINAL_NONE;
    notice->read_remark = must_read_remark(notice);
    notice->task.run = was_read;
    pending_begin(&set->outside);
    if (pool_queue(pool, &notice->job))
        return true;
    pending_end(&set->outside);
    return false;
}

/* ---- the first step ---------------------------------------------------------------------------------- */

static void begin_waiting(struct shard *shard)
{
    struct list_node *node;
    while (shard->notice_count < NOTICES && (node = list_pop(&shard->notices_waiting))) {
        struct notice *notice = container_of(node, struct notice, link);
        list_append(&shard->notices, &notice->link);
        shard->notice_count++;
        if (must_read(notice) && start_reading(notice))
            continue;
        if (wanted_original(notice) != ORIGINAL_NONE)
            collect(notice, NULL);
        store(notice);
    }
}

void notice_send(struct queue *queue, struct envelope *subject, enum dsn_action action,
                 const struct queue_outcome *outcome, const struct queue_outcome *last, notice_done_fn *done)
{
    struct shard *shard = queue->shard;
    struct notice *notice = mem_new(struct notice);
    notice->queue = queue;
    notice->subject = subject;
    notice->action = action;
    notice->outcome = outcome_store(outcome);
    notice->last = last ? outcome_store(last) : NULL;
    notice->done = done;
    shard_flight_begin(shard);
    list_append(&shard->notices_waiting, &notice->link);
    begin_waiting(shard);
}

static void free_list(struct shard *shard, struct list *notices)
{
    list_each(notices, node, after) {
        struct notice *notice = container_of(node, struct notice, link);
        queue_abandon(shard->set, notice->subject);
        envelope_free(notice->notification);
        free_notice(notice);
    }
}

void notice_free_all(struct shard *shard)
{
    free_list(shard, &shard->notices);
    free_list(shard, &shard->notices_waiting);
}
