/*
 * queue_private.h: the structs that the files of src/queue share. What a queue is: queue.c.
 *
 * A shard is one loop's part of the set: its queues and its schedule. Only the loop's thread uses it, except
 * for the inbox. Each file calls only files further down:
 *
 *   set.c           the set: reconfigures, drains, frees
 *   queue_manage.c  changes what waits, for those above
 *   shard.c         a loop's queues: arrival, turns
 *   connections.c   decides when a queue needs a connection
 *   permits.c       how many connections there may be in all
 *   settle.c        handles the outcome of an attempt
 *   sweep.c         finds deferred envelopes that must be stored
 *   sending.c       asks hooks about an attempt, for those above
 *   ready.c         the ready list
 *   bounce.c        gives up: the P record, the notification, the removal
 *   notice.c        notifications (dsn.c)
 *   deferred.c      stores envelopes that are in memory only
 *   succession.c    one envelope becomes another
 *   walk.c          looks at every envelope, a slice a turn
 *   delay.c         envelopes that wait
 *   queue_accept.c  from any thread to the inbox of the right shard
 *   view.c          a thread's cache of the configuration (settings.c)
 *   queue.c         one queue: its name, its lifetime
 *   timer.c         runs whatever of the above is due (schedule.c)
 *   pause.c         no delivery begins while the spool cannot record it
 *   flight.c        counts envelopes in progress; draining
 *   spooling.c      the envelope's record in the spool
 *   queue_records.c log events;  outcome.c  outcomes;  retry.c  time of the next attempt
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

/* Microseconds after which a ready deferred envelope is stored (deferred_spool). */
#define DEFERRED_US (10 * UINT64_C(1000000))
/* Maximum envelopes handled in one turn of a loop. */
enum { QUEUE_BATCH = 500 };

struct permits { /* of the set; under `lock` */
    pthread_mutex_t lock;
    unsigned limit, reserve, given;
    unsigned want_first, want_more; /* shards that were refused one */
    _Atomic bool wanted;            /* either is not 0; read without the lock */
    unsigned turn;                  /* of the shard that is woken next */
    void *bindings;                 /* struct permit_binding, for tsearch */
};

struct permit_shard {
    struct loop_task task;
    void *tree;        /* struct permit_line, for tsearch */
    struct list lines; /* those in which queues wait */
    unsigned wants;    /* under permits.lock, as the next */
    bool posted;
};

struct shard {
    struct queue_set *set;
    struct loop *loop;
    struct generation *generation;    /* one reference */
    _Atomic(struct envelope *) inbox; /* accepted by any thread, last first, linked by link.next */
    struct loop_task inbox_task;      /* posted by the thread that sets inbox_posted */
    _Atomic bool inbox_posted;        /* until inbox_task runs, even if drain has emptied the inbox */
    struct list arrived;              /* taken from the inbox, not yet in a queue */
    struct loop_task arrived_task;
    bool arrived_posted;
    struct loop_task drain_task, reconfigure_task;
    atomic_flag reconfigure_posted;
    /* Calls up from delay.c and timer.c, set by shard_create: */
    void (*delay_over)(struct queue *queue, struct envelope *envelope); /* called when an envelope is due */
    void (*end_turn)(struct shard *shard);     /* processes the queues that were touched */
    bool (*wants_permit)(struct queue *queue); /* does a queue that waits for a permit still want it? */
    void (*use_permit)(struct queue *queue);   /* opens a connection with the permit */
    struct permit_shard permits;
    void *tree;                 /* queues by binding and domain, for tsearch */
    struct list queues;         /* the same queues */
    struct schedule_item sweep; /* next search for deferred envelopes; `due` is sweep_due */
    struct schedule_item pause; /* next look whether the spool works (pause.c) */
    uint64_t pause_began_us;    /* while `pause` is scheduled */
    struct list deferrals;      /* struct deferral: deferred envelopes being stored */
    struct list successions;    /* struct succession: envelopes being replaced */
    struct list touched;        /* queues that changed in this turn */
    struct schedule schedule;
    uv_timer_t timer; /* for the schedule; opened on first use */
    bool timer_open;
    bool draining, stored_last;
    struct list flying;     /* envelopes that delivery or a bounce holds */
    struct list walks;      /* struct queue_walk (walk.h), the first one under way */
    struct list *walk_list; /* where it is, and what it looks at next; NULL: in no list */
    struct list_node *walk_next;
    uint16_t walk_mark;
    uint64_t in_flight;          /* envelopes that delivery or a bounce holds */
    struct list sendings;        /* struct sending: attempts that hooks are asked about */
    unsigned turned_away;        /* attempts that hooks refused since the loop had another turn for it */
    struct list notices;         /* struct notice: notifications being made */
    struct list notices_waiting; /* notifications that wait until there are fewer */
    unsigned notice_count;
    struct panic_rate complaints; /* limits lines about notifications that could not be stored */
};

struct queue {
    struct shard *shard;
    struct slice binding, domain; /* owned, NUL-terminated */
    const struct queue_settings *settings;
    struct list_node link;          /* in shard->queues */
    struct list_node touched;       /* in shard->touched */
    struct list ready;              /* envelopes, the next one first */
    size_t ready_count, followers;  /* followers: those that share a transaction with the one before */
    size_t deferred;                /* those in memory only; an upper bound */
    struct list waiters;            /* idle connections */
    struct schedule_item expiry;    /* next search of the ready list for expired envelopes */
    struct schedule_item growth;    /* next check whether the connections make progress */
    uint64_t taken, taken_before;   /* envelopes taken in all, and when `growth` was set */
    struct schedule_item hold;      /* no connection is opened before */
    struct list condemned;          /* envelopes to settle with `verdict`, in batches */
    struct stored_outcome *verdict; /* owned; NULL if nothing is condemned */
    struct loop_task condemn_task;
    bool condemn_posted;
    uint64_t held; /* envelopes that belong to this queue, wherever they are */
    unsigned connections, established;
    struct permit_line *permit_line; /* where it waits for a permit */
    struct list_node permit_link;    /* there, while it waits */
    bool waits_first;                /* among those without a connection */
};

struct queue_set {
    struct queue_dependencies dependencies;
    struct queue_transport *transport;
    pthread_mutex_t lock;          /* protects `generation` */
    struct generation *generation; /* one reference */
    _Atomic unsigned serial;       /* generation->serial */
    struct permits permits;
    _Atomic uint64_t count;
    _Atomic bool pause_told;           /* the paniclog says that deliveries pause */
    struct pending outside;            /* work of pools and the committer for the queues */
    _Atomic unsigned shards_in_flight; /* while draining */
    void (*drained)(void *argument);
    void *drained_argument;
    unsigned shard_count;
    struct shard *shards[];
};

/* ---- queue.c (the shard's loop thread) --------------------------------------------------------------- */

/*
 * Returns the queue of that name in the shard; creates it if there is none. `domain` is in lower case, as
 * envelope->recipient_domain is.
 */
struct queue *queue_find(struct shard *shard, struct slice binding, struct slice domain);
/* Returns the current generation, which is valid in this turn of the loop. */
struct generation *queue_generation(struct queue *queue);
/* Notes that the queue changed: it is processed at the end of the shard's turn. */
void queue_touch(struct queue *queue);
/* Called when an envelope of the queue is finished and freed. */
void queue_drop(struct queue *queue);
/* Frees the queue if no envelope belongs to it. */
void queue_free_unused(struct queue *queue);
/* Called after the loop stopped: frees the queue and the envelopes on its lists. */
void queue_free(struct queue *queue);

#endif
