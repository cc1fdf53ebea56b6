/*
 * queue_private.h: the structs of src/queue that its files share, and what a queue is to them (queue.c).
 *
 * A shard is one loop's part of the set: its queues, its schedule. Only the loop's thread touches it, apart
 * from the inbox. Each file says what it does; each calls only files further down:
 *
 *   set.c          the set: reconfiguring, draining, freeing
 *   shard.c        a loop's queues: arrival, turns
 *   connections.c  when a queue wants one
 *   settle.c       what becomes of an envelope that was tried
 *   sweep.c        finding deferred envelopes that have to be stored
 *   ready.c        the ready list
 *   bounce.c       giving up: the P record, the notification, the removal
 *   notice.c       notifications (dsn.c)
 *   deferred.c     envelopes that are in memory only, on their way to the spool
 *   delay.c        envelopes that wait
 *   accept.c       from any thread to the inbox of the right shard
 *   view.c         what a thread remembers of the configuration (settings.c)
 *   queue.c        one queue: its name, its life
 *   timer.c        when anything of the above is due (schedule.c)
 *   flight.c       how much is in hand, and draining
 *   spooling.c     the envelope's record in the spool
 *   records.c      log events;  outcome.c  outcomes;  retry.c  when to try again
 */
#ifndef IMPULSE_QUEUE_QUEUE_PRIVATE_H
#define IMPULSE_QUEUE_QUEUE_PRIVATE_H

#include <pthread.h>
#include <stdatomic.h>
#include "base/pending.h"
#include "log/paniclog.h"
#include "queue/generation.h"
#include "queue/queue.h"
#include "queue/schedule.h"

/* A deferred envelope that is ready is stored after so many microseconds (deferred_spool). */
#define DEFERRED_US (10 * UINT64_C(1000000))
/* Envelopes handled in one turn of a loop before others get theirs. */
enum { QUEUE_BATCH = 500 };

struct shard {
    struct queue_set *set;
    struct loop *loop;
    struct generation *generation;    /* a reference */
    _Atomic(struct envelope *) inbox; /* accepted from any thread, last first, linked by link.next */
    struct loop_task inbox_task;      /* posted while the inbox is not empty */
    struct list arrived;              /* taken from the inbox, not yet in a queue */
    struct loop_task arrived_task;
    bool arrived_posted;
    struct loop_task drain_task, reconfigure_task;
    atomic_flag reconfigure_posted;
    /* The way up from delay.c and timer.c, set by shard_create: */
    void (*delay_over)(struct queue *queue, struct envelope *envelope); /* takes it when its time has come */
    void (*end_turn)(struct shard *shard); /* pumps the queues that were touched */
    void *tree;                            /* queues by binding and domain, for tsearch */
    struct list queues;                    /* the same */
    struct schedule_item sweep;            /* when deferred envelopes are looked for; `due` is sweep_due */
    struct list deferrals;                 /* struct deferral: deferred envelopes on their way to the spool */
    struct list touched;                   /* queues with news since the turn began */
    struct schedule schedule;
    uv_timer_t timer; /* for the schedule; opened by the first use */
    bool timer_open;
    bool draining;
    uint64_t in_flight;          /* envelopes that delivery or a bounce has in hand */
    struct list notices;         /* struct notice in the making */
    struct list notices_waiting; /* for their number to go down */
    unsigned notice_count;
    struct panic_rate complaints; /* about notifications that could not be stored */
};

struct queue {
    struct shard *shard;
    struct slice binding, domain; /* owned, NUL-terminated */
    const struct queue_settings *settings;
    struct list_node link;          /* in shard->queues */
    struct list_node touched;       /* in shard->touched */
    struct list ready;              /* envelopes, the next first */
    size_t ready_count, followers;  /* followers: of these, that share a transaction with the one before */
    size_t deferred;                /* of these, in memory only: at most so many */
    struct list waiters;            /* idle connections */
    struct schedule_item expiry;    /* when the ready list is to be searched for expired envelopes */
    struct schedule_item growth;    /* when to look whether the connections get on */
    uint64_t taken, taken_before;   /* envelopes in all, and when growth was set */
    struct schedule_item hold;      /* until when no connection is opened */
    struct list condemned;          /* envelopes to be settled with `verdict` in batches */
    struct stored_outcome *verdict; /* owned; NULL while nothing is condemned */
    struct loop_task condemn_task;
    bool condemn_posted;
    uint64_t held; /* envelopes that belong here, wherever they are */
    unsigned connections, established;
};

struct queue_set {
    struct queue_dependencies dependencies;
    struct queue_transport *transport;
    pthread_mutex_t lock;          /* generation */
    struct generation *generation; /* a reference */
    _Atomic unsigned serial;       /* generation->serial */
    _Atomic uint64_t count;
    struct pending outside;            /* what pools and the committer still do for us */
    _Atomic unsigned shards_in_flight; /* while draining */
    void (*drained)(void *argument);
    void *drained_argument;
    unsigned shard_count;
    struct shard *shards[];
};

/* ---- queue.c (the shard's loop thread) --------------------------------------------------------------- */

/* The queue of that name in the shard, created when there is none. */
struct queue *queue_find(struct shard *shard, struct slice binding, struct slice domain);
/* There is news: the queue is pumped at the end of the shard's turn. */
void queue_touch(struct queue *queue);
/* An envelope of the queue is finished and gone. */
void queue_drop(struct queue *queue);
/* Frees the queue if nothing belongs to it. */
void queue_free_unused(struct queue *queue);
/* After the loop stopped: frees the queue and the envelopes on its lists. */
void queue_free(struct queue *queue);

#endif
