/*
 * sending: asks the hooks of message_sending about an attempt to deliver: may it be made, and with what content?
 *
 * For transports, which ask once the next hop is known and before anything is said of the message. The hooks
 * run on the queue's loop; they may read the content, edit it for this attempt, suspend, and block on a pool.
 * The first part of content that is only in the spool is read back before they are called.
 *
 * An attempt that is not to be made any more is ended at any time: hooks that are waited for hear that. While
 * the process drains no attempt waits for a hook. All on the queue's loop thread.
 */
#ifndef IMPULSE_QUEUE_SENDING_H
#define IMPULSE_QUEUE_SENDING_H

#include "message/cursor.h"
#include "queue/queue.h"

struct sending; /* one attempt, asked about */

/* Does anybody want to be asked? Without, an attempt is made as it is. */
static inline bool sending_is_asked(struct queue *queue)
{
    return module_set_has_hook(queue_modules(queue), POINT_SENDING);
}

struct sending_attempt { /* borrowed for the call, unless it says otherwise */
    struct queue *queue; /* until sending_end */
    struct envelope *const *recipients;
    size_t count;                              /* at least one; they may share a transaction */
    uint64_t connection_id;                    /* 0: none */
    struct slice peer;                         /* next hop's address text; empty: it is not known */
    struct slice host;                         /* its name, as in struct queue_outcome */
    struct content_reader *on_loop, *blocking; /* outlive the delivery; see message_of_attempt */
    void (*answered)(void *owner);             /* after SENDING_WAITS: ask again. Not after sending_end */
    void *owner;
};

/* Nothing is asked yet. End it with sending_end. */
struct sending *sending_begin(const struct sending_attempt *attempt);

enum sending_answer {
    SENDING_WAITS,   /* `answered` will be called */
    SENDING_GO,      /* the attempt is made, with the content of sending_source */
    SENDING_REFUSED, /* all its recipients are to be settled with sending_outcome */
    SENDING_STOPPED, /* no attempt is made now: all its recipients are to be given back */
};
enum sending_answer sending_ask(struct sending *sending);

/* After SENDING_REFUSED: verdict and response, which is valid until sending_end. */
const struct queue_outcome *sending_outcome(const struct sending *sending);
/* After SENDING_GO: what goes out, borrowed from the sending. */
void sending_source(const struct sending *sending, struct content_source *source);
/* Have hooks put in text with a byte above 127? */
bool sending_has_eight_bit(const struct sending *sending);
/* The handle that the hooks had; it can be read until sending_end, on a pool's thread too. */
struct message *sending_message(const struct sending *sending);
/*
 * Nobody waits any more, and nobody reads what it gave. Where a hook runs on a pool's thread, what it can reach
 * is freed when it has returned. NULL is harmless. Also after the loop stopped.
 */
void sending_end(struct sending *sending);

/* Verdict and response for content that cannot be read; `error` is a negative errno. */
struct queue_outcome sending_unreadable(int error);

#endif
