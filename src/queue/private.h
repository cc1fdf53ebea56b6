/*
 * private.h: the structs of src/queue that its files share.
 *
 * A shard is one loop's part of the set: its queues, its schedule. Only the loop's thread touches it, apart
 * from the inbox. Each file says what it does:
 *
 *   set.c       the set: accepting from any thread, reconfiguring, draining, freeing
 *   view.c      what a thread remembers of the configuration
 *   shard.c     a loop's queues and its schedule
 *   queue.c     one queue: its ready list, its connections, settling
 *   bounce.c    giving up: the P record, the notification (dsn.c), the removal
 *   records.c   log events
 *   settings.c  options;  retry.c, schedule.c  when
 */
#ifndef IMPULSE_QUEUE_PRIVATE_H
#define IMPULSE_QUEUE_PRIVATE_H

#include <pthread.h>
#include <stdatomic.h>
#include "base/pending.h"
#include "queue/generation.h"
#include "queue/queue.h"
#include "queue/schedule.h"

enum {
    QUEUE_BATCH = 500,    /* envelopes handled in one turn of a loop before others get theirs */
    QUEUE_BOUNCES = 1000, /* notifications that a loop has in the making at once; others wait */
};

/* Bodies are let go on arrival while more content than this is in memory. */
#define QUEUE_RESIDENT_LIMIT (UINT64_C(512) << 20)

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
    void *tree;          /* queues by binding and domain, for tsearch */
    struct list queues;  /* the same */
    struct list touched; /* queues with news since the turn began */
    struct schedule schedule;
    uv_timer_t timer; /* for the schedule; opened by the first use */
    bool timer_open;
    bool draining;
    uint64_t in_flight;          /* envelopes that delivery or a bounce has in hand */
    struct list bounces;         /* struct bounce in the making */
    struct list bounces_waiting; /* for their number to go down */
    unsigned bounce_count;
    uint64_t complained_us; /* when a notification that could not be stored was last reported */
};

struct queue {
    struct shard *shard;
    struct slice binding, domain; /* owned, NUL-terminated */
    const struct queue_settings *settings;
    struct list_node link;    /* in shard->queues */
    struct list_node touched; /* in shard->touched */
    struct list ready;        /* envelopes, the next first */
    size_t ready_count;
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

/* An outcome with its texts, for use after the call that brought it. */
struct stored_outcome {
    struct queue_outcome outcome; /* its slices point into `text` */
    char text[];
};
struct stored_outcome *outcome_store(const struct queue_outcome *outcome); /* free() it */

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

/* ---- set.c ------------------------------------------------------------------------------------------- */

/* The set's generation, with a reference for the caller. Any thread. */
struct generation *set_generation(struct queue_set *set);
/* Writes an envelope's retry state to the spool. Any thread. */
void envelope_save(struct queue_set *set, struct envelope *envelope);
/* Removes a finished envelope from the spool and frees it. Any thread. */
void envelope_finish(struct queue_set *set, struct envelope *envelope);

/* ---- view.c ------------------------------------------------------------------------------------------ */

struct view;
/* This thread's view of the set, of the current generation. */
struct view *view_of(struct queue_set *set);
const struct queue_settings *view_settings(struct view *view, struct slice binding, struct slice domain);
struct generation *view_generation(const struct view *view);
/* Lets the thread forget whatever it remembers. */
void view_forget(void);

/* ---- shard.c (the shard's loop thread) --------------------------------------------------------------- */

struct shard *shard_create(struct queue_set *set, struct loop *loop);
/* After the loop stopped. */
void shard_free(struct shard *shard);
void shard_schedule(struct shard *shard, struct schedule_item *item);
/* Counts an envelope into, and out of, the hands of delivery or a bounce. */
void shard_flight_begin(struct shard *shard);
void shard_flight_end(struct shard *shard);
/* Posted by set.c. */
void shard_take_inbox(struct loop_task *task);
void shard_reconfigure(struct loop_task *task);
void shard_drain(struct loop_task *task);

/* ---- queue.c (the shard's loop thread) --------------------------------------------------------------- */

/* The queue of that name in the shard, created when there is none. */
struct queue *queue_find(struct shard *shard, struct slice binding, struct slice domain);
/* Takes an envelope that arrived or whose time came; queue_pump is to follow. */
void queue_add(struct queue *queue, struct envelope *envelope);
/* Lets the envelope wait until `when_us`. */
void queue_delay(struct queue *queue, struct envelope *envelope, uint64_t when_us);
/* An envelope of the queue is finished and gone. */
void queue_drop(struct queue *queue);
/* Wakes idle connections and opens more, as the ready list demands. */
void queue_pump(struct queue *queue);
/* Frees the queue if nothing belongs to it. */
void queue_free_unused(struct queue *queue);
/* Settings of the shard's generation. */
void queue_refresh(struct queue *queue);
/* After the loop stopped: frees the queue and the envelopes on its lists. */
void queue_free(struct queue *queue);
/* Frees an envelope that waits behind `item`, if that is what it is; after the loop stopped. */
void queue_free_delayed(struct schedule_item *item);

/* ---- bounce.c ---------------------------------------------------------------------------------------- */

/*
 * Gives an envelope up: P record, a notification to the reverse-path if one is due, removal. The envelope is
 * the callee's; queue_drop is called when it is gone, now or in a later turn. The queue is not freed within
 * the call.
 */
void bounce_envelope(struct queue *queue, struct envelope *envelope, const struct queue_outcome *outcome);
/* After the loop stopped and nothing is outside. */
void bounce_free_all(struct shard *shard);

/* ---- records.c --------------------------------------------------------------------------------------- */

enum record_kind { RECORD_DELIVERY, RECORD_TRANSIENT, RECORD_PERMANENT };
/* Tells the modules. Any thread. */
void record_outcome(struct module_set *modules, enum record_kind kind, const struct envelope *envelope,
                    const struct queue_outcome *outcome);
void record_bounce_reception(struct module_set *modules, const struct envelope *envelope);

#endif
