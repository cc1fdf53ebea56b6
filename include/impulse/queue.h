/*
 * impulse/queue.h: looks at the messages that wait for delivery, and changes them.
 *
 *     static enum imp_queue_next give_up(struct imp_queued *queued, void *closure)
 *     {
 *         imp_queued_fail(queued, closure);      (or _retry, _reschedule, _remove, _change)
 *         return IMP_QUEUE_GO_ON;
 *     }
 *     static void finished(const struct imp_queue_answer *answer, void *closure) { ... }
 *     ...
 *     struct imp_queue_question question = {
 *         .size = sizeof question,
 *         .domain = "example.com",
 *         .each = give_up,
 *         .done = finished,
 *         .closure = "this domain is gone",
 *     };
 *     imp_queue_ask(module, &question);
 *
 * Every (binding, domain) queue belongs to one event loop, which alone touches it. A question is carried to all loops;
 * each looks through its queues a millisecond at a time, between which mail flows on, and calls `each` on its own
 * thread for what fits: several loops at once, one call a loop at a time. A million messages take about a
 * second, also to find a single one by its id: there is no index, which would cost memory for each that waits.
 *
 * A message here is one recipient's (mainlog: one message id). Messages move while they are looked through: each that
 * waits from the beginning of a question to its end is shown once. What arrives after the question, and so what a
 * change makes, is not shown.
 */
#ifndef IMPULSE_QUEUE_H
#define IMPULSE_QUEUE_H

#include "impulse/module.h"

#ifdef __cplusplus
extern "C" {
#endif

struct imp_queued; /* a message that `each` is shown; valid until it returns */

enum imp_queued_state {
    IMP_QUEUED_READY = 1,     /* may be delivered: waits for a connection */
    IMP_QUEUED_DELAYED = 2,   /* waits for its next attempt */
    IMP_QUEUED_IN_FLIGHT = 4, /* being delivered or given up at this moment: cannot be changed */
};

struct imp_queued_facts { /* texts are valid until `each` returns */
    size_t size;          /* sizeof(struct imp_queued_facts), set by the caller */
    uint64_t message_id, batch_id;
    const char *sender;    /* without <>; "": the null reverse-path */
    const char *recipient; /* as given */
    const char *domain;    /* of the recipient, lower case */
    const char *binding;   /* "default" where none was set */
    const char *binding_group;
    uint64_t bytes;           /* what goes out */
    uint64_t received_us;     /* microseconds since 1970 */
    uint64_t next_attempt_us; /* likewise; 0: as soon as possible */
    unsigned retries;         /* attempts that failed */
    enum imp_queued_state state;
    bool is_notification; /* made here: of a failure, delay or delivery */
};

/* Fills in *facts. From within `each`. */
IMP_API void imp_queued_get(const struct imp_queued *queued, struct imp_queued_facts *facts);

/* ---- asking ------------------------------------------------------------------------------------------------ */

enum imp_queue_next { IMP_QUEUE_GO_ON, IMP_QUEUE_STOP /* no loop shows any more, but what it is showing */ };
typedef enum imp_queue_next imp_queued_fn(struct imp_queued *queued, void *closure);

struct imp_queue_facts { /* a queue; texts are valid during the call */
    size_t size;         /* sizeof(struct imp_queue_facts), as the daemon knows it */
    const char *binding, *domain;
    uint64_t messages;    /* that belong to it, wherever they are */
    uint64_t ready;       /* of them, those that may be delivered */
    unsigned connections; /* that reached a next hop */
};

struct imp_queue_answer {
    size_t size;      /* sizeof(struct imp_queue_answer), as the daemon knows it */
    uint64_t seen;    /* messages looked at */
    uint64_t matched; /* messages shown */
    bool complete;    /* false: STOP or the limit ended it, or the daemon ends */
};

/* What is asked; borrowed for the call. Members that are not set are 0, and a filter that is not set fits all. */
struct imp_queue_question {
    size_t size; /* sizeof(struct imp_queue_question) */
    /* Filters, all of which must fit. Names without regard to case, but for bindings. */
    uint64_t message_id; /* the first that fits ends the question */
    uint64_t batch_id;
    const char *binding, *domain, *sender, *recipient;
    unsigned states; /* enum imp_queued_state, several with |; 0: all */
    uint64_t limit;  /* after so many the question ends; 0: no limit */
    /* Called for each queue that binding and domain fit, in its loop; NULL: not interested. */
    void (*queue)(const struct imp_queue_facts *facts, void *closure);
    /* Called for each message that fits; NULL: only queues are looked at, which is quick. */
    imp_queued_fn *each;
    /* Called once, when all loops have finished, on one of their threads. Required. */
    void (*done)(const struct imp_queue_answer *answer, void *closure);
    void *closure;
};

/*
 * Asks. Any thread; returns at once, and nothing is called before it has returned on an event-loop thread. The
 * instance is not torn down before `done` has returned. Functions of the question must not block. 0, or -1 with
 * errno: EINVAL (no done), ESHUTDOWN (the daemon has not started yet, or ends).
 */
IMP_API int imp_queue_ask(struct imp_module *module, const struct imp_queue_question *question);

/*
 * Has `answer` told what the last failed attempt of a message ended with, which is kept in the spool and not in
 * memory: the reply of the next hop and its address, NULL when there was no attempt or there is no such message; both
 * are valid during the call. It is called once, on a thread of the pool "SwapIn", where it may block; the instance is
 * not torn down before it has returned. Any thread. 0, or -1 with errno, and it is not called: EINVAL (no answer),
 * ESHUTDOWN (the daemon ends).
 */
IMP_API int imp_queue_last_answer(struct imp_module *module, uint64_t message_id,
                                  void (*answer)(uint64_t message_id, const char *response, const char *peer,
                                                 void *closure),
                                  void *closure);

/* ---- changing: from within `each`, one change for a message ------------------------------------------------ */

/* All return 0, or -1 with errno EBUSY: it is in flight, or was changed already. */

/* It is tried as soon as a connection has room. */
IMP_API int imp_queued_retry(struct imp_queued *queued);
/* It is not tried before that time (microseconds since 1970), also after a restart; but it expires when it would. */
IMP_API int imp_queued_reschedule(struct imp_queued *queued, uint64_t when_us);
/* It is given up: the mainlog has a P record with "550 5.7.0 [internal] REASON", and the sender is notified as of any
 * permanent failure. `reason` is one line, copied. */
IMP_API int imp_queued_fail(struct imp_queued *queued, const char *reason);
/* It is removed without a notification: the mainlog has a P record with "554 5.7.0 [internal] REASON". */
IMP_API int imp_queued_remove(struct imp_queued *queued, const char *reason);
/*
 * It gets another recipient or another binding (each NULL: as it is; `group` NULL: "default" with a new binding), and
 * thereby a new message id: *message_id (may be NULL). It is tried anew at once, as if it had just arrived, but
 * expires when it would. The mainlog has a P record of the old id ("554 5.7.0 [internal] REASON") and an R record of
 * the new one (protocol "internal"). The message that is delivered is the same. It waits for the
 * spool first: a crash before that leaves the message as it was. Also -1 with EINVAL: the recipient is no address.
 */
IMP_API int imp_queued_change(struct imp_queued *queued, const char *recipient, const char *binding,
                              const char *group, const char *reason, uint64_t *message_id);

#ifdef __cplusplus
}
#endif
#endif
