/*
 * sending: one attempt to deliver, from reading the first part of its content to the hooks' answer.
 *
 *     READING --the first part is there--> ASKING --the chain has ended--> ANSWERED
 *                                           |   ^
 *                                           v   |  (another turn of the loop, after many refusals in one)
 *                                          RESTING
 *
 * Everything that a hook can reach belongs to the sending. An attempt may end, and its envelopes may be freed,
 * while a hook still runs on a thread of its pool (`held`).
 */
#include "queue/sending.h"

#include <errno.h>
#include <stdio.h>
#include "base/mem.h"
#include "base/reply_code.h"
#include "message/message_copy.h"
#include "queue/queue_private.h"
#include "queue/queue_records.h"
#include "queue/sending_stop.h"

enum {
    RESPONSE_SIZE = 512,
    PEER_SIZE = 128,
    REFUSALS_A_TURN = 100, /* maximum refusals before the loop does other work */
};

struct sending {
    struct list_node node; /* in shard->sendings, until it is answered */
    struct shard *shard;
    void (*answered)(void *owner);
    void *owner;
    enum { READING, RESTING, ASKING, ANSWERED } phase;
    bool held;  /* the call was cancelled, but the hook still runs on a pool's thread */
    bool ended; /* sending_end was called while `held` */
    enum sending_answer answer;
    struct queue_outcome outcome;
    char response[RESPONSE_SIZE];
    struct message *message;
    struct message_cursor content; /* while READING */
    struct imp_call call;
    struct generation *generation; /* a reference: its modules, and what applies for them */
    struct imp_moment moment;      /* the call's argument */
    struct imp_log_delivery record;
    struct envelope *facts; /* owned: what the record's texts point into */
    char peer[PEER_SIZE];
    char *host; /* owned */
    uv_timer_t timer;
    bool timer_open;
};

/* ---- the end ----------------------------------------------------------------------------------------- */

static void timer_closed(uv_handle_t *handle)
{
    free(handle->data);
}

static void free_sending(struct sending *sending)
{
    hook_call_release(&sending->call);
    message_end(sending->message);
    message_unref(sending->message);
    envelope_free(sending->facts);
    generation_unref(sending->generation);
    free(sending->host);
    if (sending->timer_open)
        uv_close((uv_handle_t *)&sending->timer, timer_closed);
    else
        free(sending);
}

/* Called when the hook of a cancelled call has returned. */
static void released(struct imp_call *call)
{
    struct sending *sending = container_of(call, struct sending, call);
    sending->held = false;
    if (sending->ended)
        free_sending(sending);
}

/* Ends every wait: for the spool, for a hook, for the timer. */
static void let_go(struct sending *sending)
{
    if (list_linked(&sending->node))
        list_remove(&sending->node);
    cursor_close(&sending->content);
    if (sending->timer_open)
        uv_timer_stop(&sending->timer);
    hook_call_cancel(&sending->call);
    if (sending->held || !hook_call_is_held(&sending->call))
        return;
    sending->held = true;
    hook_call_abandon(&sending->call, released);
}

void sending_end(struct sending *sending)
{
    if (!sending)
        return;
    let_go(sending);
    sending->ended = true;
    if (!sending->held)
        free_sending(sending);
}

static void conclude(struct sending *sending, enum sending_answer answer)
{
    sending->phase = ANSWERED;
    sending->answer = answer;
    let_go(sending);
}

void sending_stop_all(struct shard *shard)
{
    while (!list_empty(&shard->sendings)) {
        struct sending *sending = container_of(shard->sendings.head.next, struct sending, node);
        conclude(sending, SENDING_STOPPED);
        sending->answered(sending->owner);
    }
}

/* ---- refusals ---------------------------------------------------------------------------------------- */

struct queue_outcome sending_unreadable(int error)
{
    struct queue_outcome outcome = {
        .verdict = error == -ENOENT ? QUEUE_PERMANENT : QUEUE_TRANSIENT,
        .response = error == -ENOENT ? SLICE_LITERAL("550 5.3.0 [internal] message body missing")
                                     : SLICE_LITERAL("451 4.3.0 [internal] message body cannot be read"),
    };
    return outcome;
}

static void refuse(struct sending *sending, const struct queue_outcome *outcome)
{
    sending->shard->turned_away++;
    sending->outcome = *outcome;
    conclude(sending, SENDING_REFUSED);
}

/* Refuses with the reply that a hook asked for, or with the daemon's if the hook failed. */
static void refuse_as_asked(struct sending *sending)
{
    const struct hook_reply *reply = hook_call_reply(&sending->call);
    snprintf(sending->response, sizeof sending->response, "%d %s%s[internal] %s", reply->code,
             reply->enhanced, reply->enhanced[0] ? " " : "", reply->text);
    struct queue_outcome outcome = {
        .verdict = reply_code_is_permanent((unsigned)reply->code) ? QUEUE_PERMANENT : QUEUE_TRANSIENT,
        .response = slice_text(sending->response),
    };
    refuse(sending, &outcome);
}

static void refuse_late(struct sending *sending)
{
    static const struct queue_outcome late = {
        .verdict = QUEUE_TRANSIENT,
        .response = SLICE_LITERAL("451 4.3.0 [internal] a module did not answer in time"),
    };
    char limit[64];
    snprintf(limit, sizeof limit, "within %u ms", hook_call_deadline_ms(&sending->call));
    hook_call_name_late(&sending->call, limit);
    refuse(sending, &late);
}

/* ---- asking ------------------------------------------------------------------------------------------ */

static void on_timer(uv_timer_t *timer);

static void set_timer(struct sending *sending, uint64_t milliseconds)
{
    uv_loop_t *loop = loop_uv(sending->shard->loop);
    if (!sending->timer_open)
        uv_timer_init(loop, &sending->timer);
    sending->timer_open = true;
    sending->timer.data = sending;
    loop_renew_now(sending->shard->loop);
    uv_timer_start(&sending->timer, on_timer, milliseconds, 0);
}

static void judge(struct sending *sending, enum hook_outcome outcome)
{
    if (outcome == HOOK_SUSPENDED) {
        set_timer(sending, hook_call_wait_ms(&sending->call));
    } else if (outcome == HOOK_REFUSED) {
        refuse_as_asked(sending);
    } else {
        message_settle(sending->message);
        conclude(sending, SENDING_GO);
    }
}

static void resumed(struct imp_call *call, enum hook_outcome outcome)
{
    struct sending *sending = container_of(call, struct sending, call);
    judge(sending, outcome);
    if (sending->phase == ANSWERED)
        sending->answered(sending->owner);
}

static void ask_hooks(struct sending *sending)
{
    sending->phase = ASKING;
    judge(sending, module_set_ask(sending->generation->modules, POINT_SENDING, &sending->call));
}

static void on_timer(uv_timer_t *timer)
{
    struct sending *sending = timer->data;
    if (sending->phase == RESTING)
        ask_hooks(sending);
    else if (hook_call_wait_ms(&sending->call) > 0) /* the loop's clock was ahead */
        set_timer(sending, hook_call_wait_ms(&sending->call));
    else
        refuse_late(sending);
    if (sending->phase == ANSWERED)
        sending->answered(sending->owner);
}

/*
 * Reads the first part of the content, because hooks on a loop can only read and edit a header that is in
 * memory. Then asks the hooks.
 */
static void read_first(struct sending *sending)
{
    size_t size;
    int got = cursor_prepare(&sending->content);
    if (got == -EAGAIN)
        return;
    if (got < 0) {
        struct queue_outcome outcome = sending_unreadable(got);
        refuse(sending, &outcome);
        return;
    }
    char *first = cursor_take_first(&sending->content, &size);
    if (first)
        message_keep_first(sending->message, first, size);
    cursor_close(&sending->content);
    if (sending->shard->turned_away < REFUSALS_A_TURN) {
        ask_hooks(sending);
        return;
    }
    sending->shard->turned_away = 0;
    sending->phase = RESTING;
    set_timer(sending, 0);
}

enum sending_answer sending_ask(struct sending *sending)
{
    if (sending->phase == READING)
        read_first(sending);
    return sending->phase == ANSWERED ? sending->answer : SENDING_WAITS;
}

/* ---- beginning --------------------------------------------------------------------------------------- */

static void arrived(void *owner)
{
    struct sending *sending = owner;
    sending->answered(sending->owner);
}

/* Fills in the moment, with copies of all texts. */
static void describe(struct sending *sending, const struct sending_attempt *attempt)
{
    const struct envelope *first = attempt->recipients[0];
    struct envelope_facts facts = {
        .reverse_path = first->reverse_path,
        .recipient = first->recipient,
        .binding = first->binding,
        .binding_group = first->binding_group,
        .id = first->id,
        .batch_id = first->batch_id,
        .received_us = first->received_us,
    };
    sending->facts = envelope_create(&facts, NULL);
    sending->facts->retries = first->retries;
    sending->host = mem_copy_text(attempt->host.size ? attempt->host.data : "", attempt->host.size);
    slice_copy_printable(sending->peer, sizeof sending->peer, attempt->peer);
    struct queue_outcome outcome = {
        .connection_id = attempt->connection_id,
        .peer = slice_text(sending->peer),
    };
    record_describe(&sending->record, sending->facts, &outcome);
    sending->moment = (struct imp_moment){
        .size = sizeof sending->moment,
        .record = &sending->record,
        .policy = queue_settings(attempt->queue)->modules,
        .host = {sending->host, attempt->host.size},
        .host_policy = generation_host_policy(sending->generation, first->binding, attempt->host),
    };
}

struct sending *sending_begin(const struct sending_attempt *attempt)
{
    struct sending *sending = mem_new(struct sending);
    struct content_source source;
    sending->shard = attempt->queue->shard;
    sending->answered = attempt->answered;
    sending->owner = attempt->owner;
    sending->generation = generation_ref(queue_generation(attempt->queue));
    sending->message =
        message_of_attempt(attempt->recipients, attempt->count, attempt->on_loop, attempt->blocking);
    describe(sending, attempt);
    sending->call.message = (struct imp_message *)sending->message;
    sending->call.argument = &sending->moment;
    sending->call.loop = sending->shard->loop;
    sending->call.resumed = resumed;
    message_source(sending->message, &source);
    cursor_open_source(&sending->content, &source, attempt->on_loop, arrived, sending);
    list_append(&sending->shard->sendings, &sending->node);
    return sending;
}

/* ---- results ----------------------------------------------------------------------------- */

const struct queue_outcome *sending_outcome(const struct sending *sending)
{
    return &sending->outcome;
}

void sending_source(const struct sending *sending, struct content_source *source)
{
    message_source(sending->message, source);
}

bool sending_has_eight_bit(const struct sending *sending)
{
    return sending->message->edited && sending->message->edits.eight_bit;
}

struct message *sending_message(const struct sending *sending)
{
    return sending->message;
}
