/*
 * pool: named pools of threads for work that blocks.
 *
 * Source: Momentum 4 manual, "threadpool". Jobs of a pool run in the order they were submitted (FIFO).
 */
#ifndef IMPULSE_EVENT_POOL_H
#define IMPULSE_EVENT_POOL_H

#include <stdbool.h>
#include <stddef.h>
#include "event/loop.h"

struct pool;
struct pool_set; /* every ThreadPool of the process, by name (case-insensitive) */

struct pool_settings {
    const char *name;     /* copied */
    unsigned concurrency; /* threads; 0: see pool_submit (Momentum's "Close" pool). IO has at least 1 */
    size_t stack_size;    /* bytes; 0: the system's default */
    unsigned backlog;     /* jobs that may wait while every thread is busy; 0: no limit */
};

/* Whose job it is, when it calls a module. */
struct pool_job_owner {
    const char *module; /* its label; NULL: it is the daemon's own. Texts live until the job runs */
    const char *kind;   /* "its hook at", "its job", ... */
    const char *what;   /* "validate_rcptto", or "" */
};

/* Lives inside what it concerns; the pool never allocates or frees it. */
struct pool_job {
    struct pool_job *next;              /* the pool's, while queued */
    void (*work)(struct pool_job *job); /* on a pool thread; may block */
    void (*done)(struct pool_job *job); /* on `home` afterwards; NULL: the pool forgets the job after work */
    struct loop *home;                  /* where done is called; needed only with done */
    struct loop_task task;              /* the pool's */
    struct pool_job_owner owner;
};

/*
 * A set with Momentum's predefined pools and their defaults (SwapOut 5, SwapIn 5, Unlink 6 with backlog 100,
 * Batch_Unlink 4, Close 0, CPU 4, IO 50, SpoolIn 1). Threads of a predefined pool start when work arrives.
 */
struct pool_set *pool_set_create(void);
/* Adds a pool or changes one that is not started. From a ThreadPool stanza: all its threads start with the
 * set. */
void pool_set_define(struct pool_set *set, const struct pool_settings *settings);
/* Starts the threads of every pool that a stanza defined. 0 or a negative errno. */
int pool_set_start(struct pool_set *set);
/* The pool of that name or NULL. Any thread, after start. */
struct pool *pool_set_find(struct pool_set *set, const char *name);
/* Returns when no pool has a job; what the jobs posted to loops is posted then. Any thread but a pool's. */
void pool_set_wait(struct pool_set *set);
/* The same for a time; false: there are jobs still. */
bool pool_set_wait_for(struct pool_set *set, unsigned milliseconds);
/*
 * How many jobs of modules run; *others becomes the number of the daemon's that do. `tell` (may be NULL) is
 * called for each of a module with "NAME: its job". Any thread but a pool's.
 */
unsigned pool_set_running(struct pool_set *set, unsigned *others,
                          void (*tell)(const char *what, void *closure), void *closure);
/* Lets queued jobs finish, joins all threads, frees the set. */
void pool_set_free(struct pool_set *set);

const char *pool_name(const struct pool *pool);
unsigned pool_concurrency(const struct pool *pool);
struct pool_settings pool_settings_of(const struct pool *pool); /* the name is the pool's */

/* The pools in order of their making: start with NULL; NULL at the end. */
struct pool *pool_set_next(struct pool_set *set, const struct pool *after);

struct pool_counts {
    uint64_t jobs, busy_us;      /* finished, and how long they took; since the start */
    uint64_t up_us;              /* since the first one began */
    unsigned queued, busy, idle; /* jobs that wait, threads that work, threads that wait */
};
/* Any thread. */
void pool_count(struct pool *pool, struct pool_counts *counts);

/*
 * Queues a job. When the backlog is full the caller blocks until there is room (Momentum: "the caller will
 * block until the queue is small enough"), unless it is a thread that must not: an event loop's, or a pool's,
 * which could wait for itself. Their job waits in the queue all the same, behind those that came before it.
 *
 * A pool without threads runs the job in the calling thread before this returns. Where that is an event
 * loop's, a thread of the set's IO pool runs it.
 *
 * Returns false, without having queued the job, when the pool has no thread and the system refuses to start
 * one; on other threads than a loop's the job is then run before this returns, and the answer is true. Any
 * thread.
 */
bool pool_submit(struct pool *pool, struct pool_job *job);
/* The same, but no thread waits, and false is the answer for whoever has no thread. */
bool pool_queue(struct pool *pool, struct pool_job *job);
/* As pool_queue, but also false when the backlog is full. */
bool pool_try(struct pool *pool, struct pool_job *job);
/* Takes back a job that no thread has begun. False when it began, ended or was never queued. Any thread. */
bool pool_cancel(struct pool *pool, struct pool_job *job);

#endif
