/*
 * bounce: giving an envelope up, and telling its sender.
 *
 * The notification is durable before the failed envelope is removed: a crash in between makes a second
 * notification, never none. So the P record is written when the notification is stored; when it cannot be
 * stored (the disk is full), the failed envelope stays and is tried again later.
 *
 *   bounce_envelope -> [read_original, on SwapIn] -> store -> [stored, on the committer] -> finish
 *
 * Steps in brackets run elsewhere, counted in set->outside, and come back with loop_post.
 */
#include "base/buf.h"
#include "base/clock.h"
#include "base/id.h"
#include "base/mem.h"
#include "log/paniclog.h"
#include "queue/bounce.h"
#include "queue/delay.h"
#include "queue/dsn.h"
#include "queue/flight.h"
#include "queue/outcome.h"
#include "queue/records.h"
#include "queue/spooling.h"

enum {
    BOUNCES = 1000, /* notifications that a loop has in the making at once; others wait */
    STORE_RETRY_SECONDS = 60,
};

struct bounce {
    struct list_node link; /* in shard->bounces or shard->bounces_waiting */
    struct queue *queue;
    struct envelope *failed;
    struct stored_outcome *cause; /* owned */
    struct pool_job job;
    char *content; /* what was read back of the failed message */
    size_t content_size;
    struct spool_request request;
    struct envelope *notification;
    struct loop_task task; /* the next step on the queue's loop */
};

static void begin_waiting(struct shard *shard);

/* ---- the last step ----------------------------------------------------------------------------------- */

static void free_bounce(struct bounce *bounce)
{
    list_remove(&bounce->link);
    free(bounce->cause);
    free(bounce->content);
    free(bounce);
}

/* Once a minute: it concerns every notification alike. */
static void complain(struct shard *shard, enum spool_status status, uint64_t now)
{
    if (now < shard->complained_us + STORE_RETRY_SECONDS * UINT64_C(1000000))
        return;
    shard->complained_us = now;
    paniclog(PANIC_ERROR,
             "notifications of undeliverable messages cannot be stored (%s); the messages stay queued and "
             "are tried "
             "again every %d seconds: check the disk under spoolbase",
             status == SPOOL_FULL ? "disk full" : "disk error", STORE_RETRY_SECONDS);
}

static void keep_for_later(struct bounce *bounce)
{
    struct envelope *failed = bounce->failed;
    uint64_t now = clock_wall_us();
    complain(bounce->queue->shard, bounce->request.status, now);
    failed->next_attempt_us = now + STORE_RETRY_SECONDS * UINT64_C(1000000);
    queue_delay(bounce->queue, failed, failed->next_attempt_us);
    envelope_free(bounce->notification);
}

static void finish(struct loop_task *task)
{
    struct bounce *bounce = container_of(task, struct bounce, task);
    struct queue *queue = bounce->queue;
    struct shard *shard = queue->shard;
    if (bounce->request.status == SPOOL_OK) {
        record_outcome(queue_modules(queue), RECORD_PERMANENT, bounce->failed, &bounce->cause->outcome);
        record_bounce_reception(queue_modules(queue), bounce->notification);
        counter_add(&shard->failed, 1);
        envelope_finish(shard->set, bounce->failed);
        queue_accept(shard->set, bounce->notification);
        queue_drop(queue);
    } else {
        keep_for_later(bounce);
    }
    free_bounce(bounce);
    shard->bounce_count--;
    begin_waiting(shard);
    shard_flight_end(shard);
    queue_free_unused(queue);
}

static void stored(struct spool_request *request)
{
    struct bounce *bounce = container_of(request, struct bounce, request);
    struct queue_set *set = bounce->queue->shard->set;
    loop_post(bounce->queue->shard->loop, &bounce->task); /* bounce may be gone from here on */
    pending_end(&set->outside);
}

/* ---- rendering and storing --------------------------------------------------------------------------- */

static struct slice select_original(const struct queue_settings *settings, struct slice content,
                                    bool complete, bool *whole)
{
    *whole = settings->bounces_inline_original == BOUNCE_ALL && complete;
    if (settings->bounces_inline_original == BOUNCE_NONE)
        return slice_of(NULL, 0);
    return *whole ? content : dsn_header_of(content);
}

static struct envelope *make_notification(struct bounce *bounce, struct slice content, bool complete)
{
    struct queue *queue = bounce->queue;
    const char *hostname = queue->shard->generation->hostname;
    char *postmaster = mem_printf("mailer-daemon@%s", hostname);
    struct dsn_facts facts = {
        .id = id_next(),
        .now_us = clock_wall_us(),
        .arrival_us = bounce->failed->received_us,
        .hostname = hostname,
        .from = queue->settings->mailerdaemon ? queue->settings->mailerdaemon : postmaster,
        .reverse_path = bounce->failed->reverse_path,
        .recipient = bounce->failed->recipient,
        .response = bounce->cause->outcome.response,
        .peer = bounce->cause->outcome.peer,
    };
    facts.original = select_original(queue->settings, content, complete, &facts.whole);
    struct buf text = {0};
    dsn_render(&facts, &text);
    free(postmaster);

    size_t size;
    char *memory = buf_take(&text, &size);
    struct body *body = body_create(id_next(), memory, size);
    for (size_t i = 0; i < size && !body->eight_bit; i++)
        body->eight_bit = (unsigned char)memory[i] > 127;
    struct envelope_facts envelope = {
        .recipient = bounce->failed->reverse_path,
        .binding = SLICE_LITERAL("default"),
        .binding_group = SLICE_LITERAL("default"),
        .id = facts.id,
        .batch_id = id_next(),
        .received_us = facts.now_us,
        .flags = ENVELOPE_BOUNCE | (body->eight_bit ? ENVELOPE_EIGHT_BIT : 0),
    };
    struct envelope *notification = envelope_create(&envelope, body);
    body_unref(body);
    return notification;
}

static void store(struct bounce *bounce, struct slice content, bool complete)
{
    bounce->notification = make_notification(bounce, content, complete);
    struct body *body = bounce->notification->body;
    bounce->request = (struct spool_request){
        .kind = SPOOL_STORE,
        .body = body,
        .envelopes = &bounce->notification,
        .envelope_count = 1,
        .data = {body->memory, body->size},
        .done = stored,
    };
    bounce->task.run = finish;
    pending_begin(&bounce->queue->shard->set->outside);
    spool_submit(bounce->queue->shard->set->dependencies.spool, &bounce->request);
}

/* ---- reading the original back ----------------------------------------------------------------------- */

static void original_read(struct loop_task *task)
{
    struct bounce *bounce = container_of(task, struct bounce, task);
    store(bounce, slice_of(bounce->content, bounce->content_size), bounce->failed->body->chunks == 1);
}

/* On a SwapIn thread. A large message is returned by its header, which is in its first chunk. */
static void read_original(struct pool_job *job)
{
    struct bounce *bounce = container_of(job, struct bounce, job);
    struct queue_set *set = bounce->queue->shard->set;
    if (spool_body_read(set->dependencies.spool, bounce->failed->body, 0, &bounce->content,
                        &bounce->content_size) != 0) {
        bounce->content = NULL;
        bounce->content_size = 0;
    }
    loop_post(bounce->queue->shard->loop, &bounce->task);
    pending_end(&set->outside);
}

static bool start_reading(struct bounce *bounce)
{
    struct queue_set *set = bounce->queue->shard->set;
    struct pool *pool = set->dependencies.pools ? pool_set_find(set->dependencies.pools, "SwapIn") : NULL;
    if (!pool)
        return false;
    bounce->job.work = read_original;
    bounce->task.run = original_read;
    pending_begin(&set->outside);
    if (pool_try(pool, &bounce->job))
        return true;
    pending_end(&set->outside);
    return false;
}

/* ---- the first step ---------------------------------------------------------------------------------- */

static bool wants_notification(const struct queue *queue, const struct envelope *envelope)
{
    return queue->settings->generate_bounces && envelope->reverse_path.size > 0 &&
           !(envelope->flags & ENVELOPE_BOUNCE);
}

static void begin(struct bounce *bounce)
{
    struct queue *queue = bounce->queue;
    struct body *body = bounce->failed->body;
    list_append(&queue->shard->bounces, &bounce->link);
    queue->shard->bounce_count++;
    const char *memory = body_pin(body);
    if (memory) {
        store(bounce, slice_of(memory, body->size), true);
        body_unpin(body);
    } else if (body->size == 0 || queue->settings->bounces_inline_original == BOUNCE_NONE ||
               !start_reading(bounce)) {
        store(bounce, slice_of(NULL, 0), false);
    }
}

static void begin_waiting(struct shard *shard)
{
    struct list_node *node;
    while (shard->bounce_count < BOUNCES && (node = list_pop(&shard->bounces_waiting)))
        begin(container_of(node, struct bounce, link));
}

void bounce_envelope(struct queue *queue, struct envelope *envelope, const struct queue_outcome *outcome)
{
    struct shard *shard = queue->shard;
    if (!wants_notification(queue, envelope)) {
        record_outcome(queue_modules(queue), RECORD_PERMANENT, envelope, outcome);
        counter_add(&shard->failed, 1);
        envelope_finish(shard->set, envelope);
        queue_drop(queue);
        return;
    }
    struct bounce *bounce = mem_new(struct bounce);
    bounce->queue = queue;
    bounce->failed = envelope;
    bounce->cause = outcome_store(outcome);
    shard_flight_begin(shard);
    list_append(&shard->bounces_waiting, &bounce->link);
    begin_waiting(shard);
}

static void free_list(struct list *bounces)
{
    list_each(bounces, node, after) {
        struct bounce *bounce = container_of(node, struct bounce, link);
        envelope_free(bounce->failed);
        if (bounce->notification)
            envelope_free(bounce->notification);
        free_bounce(bounce);
    }
}

void bounce_free_all(struct shard *shard)
{
    free_list(&shard->bounces);
    free_list(&shard->bounces_waiting);
}
