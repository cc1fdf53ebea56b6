/*
 * sending: asks the hooks of message_sending about an attempt to deliver: whether it is made, and with what
 * content.
 *
 * The transport asks once the next hop is known, before the first command of the message. The hooks run on the
 * queue's loop. They may read the content, edit it for this attempt, suspend the call, and block on a pool. If
 * the beginning of the content is only in the spool, it is read back before the first hook is called.
 *
 * The transport may end an attempt at any time; a hook that has suspended the call is then told (`cancelled` of
 * imp_call_suspend). When the queues drain, all attempts that wait for a hook are stopped. All functions are
 * called on the queue's loop thread.
 */
#ifndef IMPULSE_QUEUE_SENDING_H
#define IMPULSE_QUEUE_SENDING_H

#include "message/cursor.h"
#include "queue/queue.h"

struct sending; /* the hooks' view of one attempt */

/* Returns whether any hook is registered. If not, the transport makes the attempt without a struct sending. */
static inline bool sending_is_asked(struct queue *queue)
{
    return module_set_has_hook(queue_modules(queue), POINT_SENDING);
}

struct sending_attempt { /* borrowed for the call, except where noted */
    struct queue *queue; /* borrowed until sending_end */
    struct envelope *const *recipients;
    size_t count;           /* at least 1; all of them may share a transaction */
    uint64_t connection_id; /* 0: none */
    struct slice peer;      /* next hop's address as text; empty if it is not known */
    struct slice host;      /* its name, as in struct queue_outcome */
    /* Read the content, see message_of_attempt; borrowed until the loop has stopped. */
    struct content_reader *on_loop, *blocking;
    /* Called after SENDING_WAITS when sending_ask has another answer; never after sending_end. */
    void (*answered)(void *owner);
    void *owner;
};

/* Prepares the question. Nothing is read and no hook is called before sending_ask. */
struct sending *sending_begin(const struct sending_attempt *attempt);

enum sending_answer {
    SENDING_WAITS,   /* for the spool or for a hook: `answered` will be called */
    SENDING_GO,      /* make the attempt, with the content of sending_source */
    SENDING_REFUSED, /* settle all recipients with sending_outcome */
    SENDING_STOPPED, /* the queues drain: give all recipients back */
};
/* Asks, or returns the answer that was found. */
enum sending_answer sending_ask(struct sending *sending);

/* After SENDING_REFUSED: returns the verdict and the response. Valid until sending_end. */
const struct queue_outcome *sending_outcome(const struct sending *sending);
/* After SENDING_GO: fills in *source, which is valid until sending_end. */
void sending_source(const struct sending *sending, struct content_source *source);
/* Returns whether hooks put in text with a byte above 127. */
bool sending_has_eight_bit(const struct sending *sending);
/* After SENDING_GO: returns the hooks' handle, read-only by now. Valid until sending_end; any one thread. */
struct message *sending_message(const struct sending *sending);
/*
 * Ends the question and frees `sending`. If a hook still runs on a pool's thread, `sending` is freed when that
 * hook returns. NULL is harmless. May be called after the loop stopped.
 */
void sending_end(struct sending *sending);

/* Returns verdict and response for content that cannot be read; `error` is a negative errno. */
struct queue_outcome sending_unreadable(int error);

#endif
