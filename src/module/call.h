/*
 * call.h: one call of a chain of hooks: struct imp_call of include/impulse/hooks.h, from the daemon's side.
 *
 * A session has one, and so has an attempt to deliver: it keeps its place in the chain while a hook is waited
 * for. Whoever only tells has one on the stack.
 */
#ifndef IMPULSE_MODULE_CALL_H
#define IMPULSE_MODULE_CALL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "impulse/hooks.h"

struct hook_chain;
struct hook_job;
struct module_set;
struct suspension;

struct hook_reply { /* a refusal that a hook asked for */
    int code;       /* 0: none */
    char enhanced[12];
    char text[480];
};

enum hook_outcome {
    HOOK_PASS,      /* nobody objected */
    HOOK_REFUSED,   /* call.reply says with what; call.refused_by says who */
    HOOK_SUSPENDED, /* call.resumed will be called on call.loop */
};

struct imp_call {
    struct imp_session *session; /* these four: what it is about; NULL: nothing of the kind */
    struct imp_message *message;
    struct imp_recipient *recipient;
    const void *argument;
    struct loop *loop; /* on which `resumed` is called; NULL, as `resumed` is, where no hook may suspend */
    /* Set by the owner: called on `loop` after a suspension. HOOK_SUSPENDED: another hook is waited for. */
    void (*resumed)(struct imp_call *call, enum hook_outcome outcome);
    struct module_set *set; /* whose chain; the caller holds a reference */
    const struct hook_chain *chain;
    size_t next_hook;              /* index into the chain to go on at */
    struct hook_reply *reply;      /* owned; NULL: no hook has asked for one yet; see hook_call_reply_code */
    const char *refused_by;        /* name of the module of the last refusal; NULL: the daemon itself */
    struct suspension *suspension; /* what is waited for; NULL: nothing */
    struct hook_job *job;          /* the hook that runs on a pool's thread; NULL: none */
    bool decided;                  /* a hook ended the chain without a refusal */
};

/* The code of the refusal that a hook asked for; 0: it asked for none. */
static inline int hook_call_reply_code(const struct imp_call *call)
{
    return call->reply ? call->reply->code : 0;
}
/* No refusal is asked for. */
static inline void hook_call_clear_reply(struct imp_call *call)
{
    if (call->reply)
        call->reply->code = 0;
}
/* The refusal, to be filled in; made when there is none. */
struct hook_reply *hook_call_reply(struct imp_call *call);

/* Is a hook waited for? */
static inline bool hook_call_waits(const struct imp_call *call)
{
    return call->suspension || call->job;
}
/*
 * A hook runs on a pool's thread, or waits for one: what it can reach from the call may neither be touched nor
 * freed until it has returned, or was taken back by hook_call_cancel.
 */
static inline bool hook_call_is_held(const struct imp_call *call)
{
    return call->job != NULL;
}
/* The daemon refuses in the place of the hook that was called last: 451 4.3.0. Returns HOOK_REFUSED. */
enum hook_outcome hook_call_fail(struct imp_call *call);
/* How long the suspension of the hook that was called last may last, in milliseconds. */
unsigned hook_call_deadline_ms(const struct imp_call *call);
/* How long the hook that is waited for may take from here on, in milliseconds. Only while it is. */
uint64_t hook_call_wait_ms(const struct imp_call *call);

/*
 * The answer is not waited for any longer: the module is told (`cancelled` of imp_call_suspend), and a hook
 * that waits for a thread of its pool is taken back: it is not called. Unless a hook runs on a pool's thread
 * nothing refers to the call afterwards; else see hook_call_abandon. To be called before what the hook was
 * asked about is freed: `cancelled` may still read it. The call's loop thread.
 */
void hook_call_cancel(struct imp_call *call);
/*
 * Names in the paniclog the hook that was waited for in vain, and the reason: it did not answer, or no thread of its
 * pool has begun with it. `limit` completes the sentence: "within 60 s".
 */
void hook_call_name_late(const struct imp_call *call, const char *limit);
/*
 * While a hook runs on a pool's thread: when it has returned `released` is called on the call's loop, in place
 * of `resumed`.
 */
void hook_call_abandon(struct imp_call *call, void (*released)(struct imp_call *call));

/* Releases the reply and cancels what is waited for. Not while a hook runs on a pool's thread. */
void hook_call_release(struct imp_call *call);

/* Fills in a refusal, made safe to send as one line. `enhanced` and `text` may be NULL. Any thread. */
void hook_reply_set(struct hook_reply *reply, int code, const char *enhanced, const char *text);

#endif
