/*
 * queue_manage: looking at the queues and changing what waits in them, for those above: the SDK, the console.
 *
 * A walk visits the queues and envelopes of every loop, in slices, on the loops' own threads; a visitor may
 * change the envelope that it is shown, there and then.
 */
#ifndef IMPULSE_QUEUE_QUEUE_MANAGE_H
#define IMPULSE_QUEUE_QUEUE_MANAGE_H

#include "queue/queue.h"

enum queued_state {
    QUEUED_READY = 1,     /* waits for a connection */
    QUEUED_DELAYED = 2,   /* waits for its time */
    QUEUED_IN_FLIGHT = 4, /* with delivery, being bounced, or about to be settled: cannot be changed now */
};

/* An envelope that a walk shows; valid during the call of the visitor. */
struct queued {
    struct queue_walk *walk;
    struct queue *queue; /* NULL: in flight, and its queue is not looked up */
    struct envelope *envelope;
    enum queued_state state;
    struct schedule_item *item; /* QUEUED_DELAYED */
};

struct queued_queue { /* a queue that a walk shows */
    struct slice binding, domain;
    uint64_t messages, ready; /* all that belong to it; those that wait for a connection */
    unsigned connections;     /* that reached a next hop */
};

struct queue_walk { /* in one loop; the caller's, zero but for the functions */
    /* Called for each queue, then its envelopes on the ready list unless it returns false. NULL: true. */
    bool (*queue)(struct queue_walk *walk, const struct queued_queue *queue);
    /* Called for each envelope; it may change it with the functions below, once. NULL: none is looked at.
     * False: the walk ends. */
    bool (*visit)(struct queue_walk *walk, struct queued *queued);
    /* The walk is over: the queue set forgets it. */
    void (*done)(struct queue_walk *walk);
    bool complete; /* out: it was not ended by a visitor or by the end of the daemon */
    struct {       /* the walk's */
        struct list_node link;
        struct loop_task task;
        struct shard *shard;
        struct queue *queue;
        uint64_t fresh; /* envelopes first seen in this pass */
        size_t position;
        unsigned stage, pass, waited;
        uint16_t mark;
        bool begun, over;
    } own;
};

/* How many walks, each in its own loop, a question to all of them takes. */
unsigned queue_walks(const struct queue_set *set);
/* Begins the walk in loop `index`. Any thread. done is called on that loop. */
void queue_walk_begin(struct queue_set *set, unsigned index, struct queue_walk *walk);

/* ---- changes, from within visit ---------------------------------------------------------------------- */

/* All of them: false, and nothing is changed, for what is in flight. */

/* Is tried as soon as a connection has room. */
bool queued_retry(struct queued *queued);
/* Is not tried before that time, or before it expires, if that is earlier. */
bool queued_reschedule(struct queued *queued, uint64_t when_us);
/* Is given up, as after a permanent failure with that response ("550 5.7.0 ..."): its sender is notified. */
bool queued_fail(struct queued *queued, struct slice response);
/* Is removed: a P record with that response, and no notification. */
bool queued_remove(struct queued *queued, struct slice response);
/*
 * Gets another recipient or binding (an empty slice: as it is) and, with them, a new id, which is written to
 * *id; it is tried anew as if it had just arrived, but expires when it would have. The old id has a P record
 * with `response`, the new one an R record. The recipient is a valid mailbox; its parameters of RCPT are
 * kept.
 */
bool queued_change(struct queued *queued, struct slice recipient, struct slice binding, struct slice group,
                   struct slice response, uint64_t *id);

/* What the spool remembers of an envelope's last attempt: 0, and *outcome to be freed; else -ENOENT or -EIO.
 * Blocks: pool threads only. */
struct stored_outcome;
int queue_last_outcome(struct queue_set *set, uint64_t id, struct stored_outcome **outcome,
                       struct slice *response, struct slice *peer);

#endif
