/*
 * method: delivery methods that modules add (include/impulse/delivery.h).
 *
 * A worker stands for one of the queue's connections: it takes an envelope, asks the hooks of message_sending
 * about it, has the module deliver it on a thread of the method's pool, settles it on the loop, and takes the
 * next. While a job is on its way the pool's thread alone touches the worker.
 */
#include <stdio.h>
#include "base/mem.h"
#include "message/message_copy.h"
#include "delivery/delivery_private.h"
#include "queue/sending.h"

enum { METHOD_RESPONSE_SIZE = 512 };

struct method_worker {
    struct imp_delivery delivery; /* what the module sees */
    struct list_node node;        /* in home->workers */
    struct delivery_loop *home;
    struct queue *queue;
    struct module_set *modules; /* a reference; `method` is of it */
    struct imp_policy *policy;  /* a reference: the queue's settings may be resolved anew meanwhile */
    const struct module_delivery_method *method;
    struct pool *pool;
    struct pool_job job;
    struct loop_task task;
    struct envelope *envelope;     /* NULL: none in hand */
    struct sending *sending;       /* of that attempt; owned; NULL: nobody is asked */
    struct message_cursor content; /* while the module delivers */
    struct message *message;       /* its handle, when the module asked for it */
    enum imp_delivery_result result;
    char response[METHOD_RESPONSE_SIZE];
};

/* ---- on the pool's thread ---------------------------------------------------------------------------- */

/* What the last call gave is consumed then: it was valid until now. */
static int read_chunk(struct imp_delivery *delivery, const char **data, size_t *size)
{
    struct method_worker *worker = container_of(delivery, struct method_worker, delivery);
    struct message_cursor *content = &worker->content;
    if (content->run.size > 0)
        cursor_consume(content, content->run.size);
    int got = cursor_fetch(content);
    *data = content->run.data;
    *size = content->run.size;
    return got < 0 ? -1 : got;
}

static struct message *get_message(struct imp_delivery *delivery)
{
    struct method_worker *worker = container_of(delivery, struct method_worker, delivery);
    if (worker->sending)
        return sending_message(worker->sending);
    if (!worker->message)
        worker->message = message_of_copy(worker->envelope, &worker->home->delivery->reader);
    return worker->message;
}

static void end_message(struct method_worker *worker)
{
    if (!worker->message)
        return;
    message_end(worker->message);
    message_unref(worker->message);
    worker->message = NULL;
}

static void open_content(struct method_worker *worker)
{
    struct content_reader *reader = &worker->home->delivery->reader;
    struct content_source source;
    if (worker->sending) {
        sending_source(worker->sending, &source);
        cursor_open_source(&worker->content, &source, reader, NULL, NULL);
    } else {
        cursor_open(&worker->content, worker->envelope, reader, NULL, NULL);
    }
}

static void deliver(struct pool_job *job)
{
    struct method_worker *worker = container_of(job, struct method_worker, job);
    struct delivery *delivery = worker->home->delivery;
    open_content(worker);
    worker->response[0] = '\0';
    worker->delivery.envelope = worker->envelope;
    worker->delivery.policy = worker->policy;
    worker->delivery.size = cursor_size(&worker->content);
    worker->result =
        module_deliver(worker->method, &worker->delivery, worker->response, sizeof worker->response);
    cursor_close(&worker->content);
    end_message(worker);
    loop_post(worker->home->loop, &worker->task);
    pending_end(&delivery->outside);
}

/* ---- on the loop ------------------------------------------------------------------------------------- */

/* Ends the attempt; returns the envelope, for the queue. */
static struct envelope *hand_over(struct method_worker *worker)
{
    struct envelope *envelope = worker->envelope;
    worker->envelope = NULL;
    sending_end(worker->sending);
    worker->sending = NULL;
    return envelope;
}

static void settle(struct method_worker *worker)
{
    static const enum queue_verdict verdicts[] = {
        [IMP_DELIVERED] = QUEUE_DELIVERED,
        [IMP_TRANSIENT] = QUEUE_TRANSIENT,
        [IMP_PERMANENT] = QUEUE_PERMANENT,
    };
    static const char *const fallbacks[] = {"250 2.0.0 delivered", "451 4.3.0 delivery failed",
                                            "550 5.3.0 delivery failed"};
    for (char *c = worker->response; *c; c++)
        if ((unsigned char)*c < ' ')
            *c = ' ';
    struct queue_outcome outcome = {
        .verdict = verdicts[worker->result],
        .duty = QUEUE_FINAL,
        .bytes = worker->result == IMP_DELIVERED ? worker->delivery.size : 0,
        .response = slice_text(*worker->response ? worker->response : fallbacks[worker->result]),
    };
    queue_settle(worker->queue, hand_over(worker), &outcome);
}

static void free_worker(struct method_worker *worker)
{
    list_remove(&worker->node);
    imp_policy_unref(worker->policy);
    module_set_unref(worker->modules);
    free(worker);
}

static void close_worker(struct method_worker *worker)
{
    struct queue *queue = worker->queue;
    bool established = worker->method != NULL;
    free_worker(worker);
    queue_connection_closed(queue, established);
}

static void delivered(struct loop_task *task);

static void submit(struct method_worker *worker)
{
    struct pending *outside = &worker->home->delivery->outside;
    pending_begin(outside);
    worker->task.run = delivered;
    if (pool_queue(worker->pool, &worker->job))
        return;
    pending_end(outside);
    worker->result = IMP_TRANSIENT;
    snprintf(worker->response, sizeof worker->response,
             "451 4.3.0 [internal] ThreadPool \"%s\" has no thread", pool_name(worker->pool));
    loop_post(worker->home->loop, &worker->task);
}

/* Takes the next envelope. A worker whose modules are of an old generation makes room for one with the new. */
static bool take(struct method_worker *worker)
{
    if (queue_modules(worker->queue) == worker->modules)
        worker->envelope = queue_take(worker->queue);
    imp_policy_unref(worker->policy);
    worker->policy = imp_policy_ref(queue_settings(worker->queue)->modules);
    return worker->envelope;
}

static void go_on(void *owner);

static void begin_asking(struct method_worker *worker)
{
    struct sending_attempt attempt = {
        .queue = worker->queue,
        .recipients = &worker->envelope,
        .count = 1,
        .on_loop = &worker->home->clients.reader,
        .blocking = &worker->home->delivery->reader,
        .answered = go_on,
        .owner = worker,
    };
    worker->sending = sending_begin(&attempt);
}

/* Ends an attempt that is not made. Returns false if it is made, or if hooks are still asked. */
static bool turn_away(struct method_worker *worker, enum sending_answer answer)
{
    struct sending *sending = worker->sending;
    if (answer == SENDING_STOPPED) {
        queue_give_back(worker->queue, hand_over(worker));
        return true;
    }
    if (answer != SENDING_REFUSED)
        return false;
    worker->sending = NULL; /* it lives as long as its outcome is used */
    queue_settle(worker->queue, hand_over(worker), sending_outcome(sending));
    sending_end(sending);
    return true;
}

/* Continues with the envelope in hand, or takes the next one, until there is something to wait for. */
static void go_on(void *owner)
{
    struct method_worker *worker = owner;
    while (worker->envelope || take(worker)) {
        if (!worker->sending && sending_is_asked(worker->queue))
            begin_asking(worker);
        enum sending_answer answer = worker->sending ? sending_ask(worker->sending) : SENDING_GO;
        if (answer == SENDING_GO)
            submit(worker);
        if (!turn_away(worker, answer))
            return;
    }
    close_worker(worker);
}

static void delivered(struct loop_task *task)
{
    struct method_worker *worker = container_of(task, struct method_worker, task);
    settle(worker);
    go_on(worker);
}

static void begin(struct loop_task *task)
{
    struct method_worker *worker = container_of(task, struct method_worker, task);
    if (worker->method) {
        queue_connection_established(worker->queue);
        go_on(worker);
        return;
    }
    static const struct queue_outcome unknown = {
        .verdict = QUEUE_TRANSIENT,
        .response =
            {"451 4.3.5 [internal] configuration error, no module provides this delivery_method",
             sizeof "451 4.3.5 [internal] configuration error, no module provides this delivery_method" - 1},
    };
    queue_connection_failed(worker->queue, false, &unknown);
    close_worker(worker);
}

void method_open(struct delivery_loop *home, struct queue *queue, const struct module_delivery_method *method)
{
    struct method_worker *worker = mem_new(struct method_worker);
    struct pool_set *pools = home->delivery->dependencies.pools;
    worker->home = home;
    worker->queue = queue;
    worker->modules = module_set_ref(queue_modules(queue));
    worker->method = method;
    worker->pool = method && method->pool ? pool_set_find(pools, method->pool) : NULL;
    if (!worker->pool)
        worker->pool = pool_set_find(pools, "IO");
    worker->delivery.read_chunk = read_chunk;
    worker->delivery.message = get_message;
    worker->job.work = deliver;
    if (method)
        worker->job.owner = module_delivery_owner(method);
    worker->task.run = begin;
    list_append(&home->workers, &worker->node);
    loop_post(home->loop, &worker->task);
}

void method_free_all(struct delivery_loop *home)
{
    list_each(&home->workers, node, after) {
        struct method_worker *worker = container_of(node, struct method_worker, node);
        queue_abandon(home->delivery->queues, hand_over(worker));
        free_worker(worker);
    }
}
