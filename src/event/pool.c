/*
 * pool: named pools of threads, each with one FIFO queue under one lock.
 *
 * A predefined pool that no stanza mentions costs nothing until a job arrives, and then starts a thread only
 * when no idle one is left for the job. A pool from a stanza has all its threads from the start, which is
 * what an operator who set Concurrency looks for in the process list.
 */
#include "event/pool.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <strings.h>
#include <time.h>
#include "base/list.h"
#include "base/mem.h"
#include "base/thread.h"
#include "log/paniclog.h"

struct pool {
    struct list_node link; /* in its set */
    struct pool_set *set;
    char *name;
    unsigned concurrency;
    size_t stack_size;
    unsigned backlog;
    bool defined; /* by a stanza */

    pthread_mutex_t lock; /* for all that follows */
    pthread_cond_t work;  /* a job was queued, or stopping */
    pthread_cond_t room;  /* a thread became free or a queued job was cancelled */
    pthread_cond_t rest;  /* the last job ended */
    struct pool_job *first, **last;
    struct list owned;           /* struct owned_job: those of modules that run */
    unsigned queued, busy, idle; /* jobs, threads running one, threads waiting for one */
    uint64_t entered, left; /* jobs that were ever queued, and those of them that ended or were cancelled */
    unsigned submitters;    /* threads that wait for room */
    unsigned started;
    pthread_t *threads;               /* the first `started` of `concurrency` */
    uint64_t jobs, busy_ns, since_ns; /* finished; their time; when the first began, 0 before */
    bool stopping;
    struct panic_rate complaints;
};

struct pool_set {
    struct list pools;
    _Atomic uint64_t unfinished; /* jobs that wait or run, in all pools */
};

struct
    owned_job { /* on its thread's stack, with a copy of its owner: the job may be gone before it has ended */
    struct list_node link;
    char name[160];
};

static _Thread_local struct pool *working_for; /* the pool whose thread this is */

/* ---- running jobs ---------------------------------------------------------------------------- */

static void run_done(struct loop_task *task)
{
    struct pool_job *job = container_of(task, struct pool_job, task);
    job->done(job);
}

/* Without `done` the job may be gone when work returns. */
static void run_job(struct pool_job *job)
{
    bool report = job->done != NULL;
    job->work(job);
    if (!report)
        return;
    job->task.run = run_done;
    loop_post(job->home, &job->task);
}

/* Under the lock: one job fewer is queued or running. */
static void job_left(struct pool *pool)
{
    atomic_fetch_sub(&pool->set->unfinished, 1);
    pool->left++;
    if (pool->submitters) /* each waits for a number of its own */
        pthread_cond_broadcast(&pool->room);
    if (!pool->busy && !pool->queued)
        pthread_cond_broadcast(&pool->rest);
}

static struct pool_job *take_job(struct pool *pool)
{
    struct pool_job *job = pool->first;
    pool->first = job->next;
    if (!pool->first)
        pool->last = &pool->first;
    pool->queued--;
    return job;
}

/* Under the lock. */
static void note_owner(struct pool *pool, const struct pool_job *job, struct owned_job *owned)
{
    const struct pool_job_owner *owner = &job->owner;
    snprintf(owned->name, sizeof owned->name, "%s: %s%s%s", owner->module, owner->kind,
             *owner->what ? " " : "", owner->what);
    list_append(&pool->owned, &owned->link);
}

static void *pool_thread(void *argument)
{
    struct pool *pool = argument;
    struct owned_job owned;
    working_for = pool;
    pthread_mutex_lock(&pool->lock);
    for (;;) {
        while (!pool->first && !pool->stopping) {
            pool->idle++;
            pthread_cond_wait(&pool->work, &pool->lock);
            pool->idle--;
        }
        if (!pool->first)
            break;
        struct pool_job *job = take_job(pool);
        bool is_owned = job->owner.module != NULL;
        if (is_owned)
            note_owner(pool, job, &owned);
        pool->busy++;
        uint64_t begun = uv_hrtime();
        if (!pool->since_ns)
            pool->since_ns = begun;
        pthread_mutex_unlock(&pool->lock);
        run_job(job);
        pthread_mutex_lock(&pool->lock);
        if (is_owned)
            list_remove(&owned.link);
        pool->busy--;
        pool->jobs++;
        pool->busy_ns += uv_hrtime() - begun;
        job_left(pool);
    }
    pthread_mutex_unlock(&pool->lock);
    return NULL;
}

/* Under the lock. 0 or a negative errno. */
static int start_thread(struct pool *pool)
{
    int error = thread_start(&pool->threads[pool->started], pool->name, pool->stack_size, pool_thread, pool);
    if (error < 0)
        return error;
    pool->started++;
    return 0;
}

/* ---- submitting ------------------------------------------------------------------------------ */

/* Is the `ordinal`-th job of all times within the backlog? A job that finds a free thread does not count. */
static bool is_within(const struct pool *pool, uint64_t ordinal)
{
    return pool->backlog == 0 || ordinal <= pool->left + pool->concurrency + pool->backlog;
}

/* Under the lock: is there a thread that will come to one more job? Starts one when all have work. */
static bool find_thread(struct pool *pool, int *error)
{
    if (pool->idle <= pool->queued && pool->started < pool->concurrency)
        *error = start_thread(pool);
    return pool->started > 0;
}

/* Under the lock. */
static void append(struct pool *pool, struct pool_job *job)
{
    job->next = NULL;
    *pool->last = job;
    pool->last = &job->next;
    pool->queued++;
    pool->entered++;
    atomic_fetch_add(&pool->set->unfinished, 1);
    pthread_cond_signal(&pool->work);
}

/*
 * The job is queued before its submitter waits, so that jobs run in the order in which they came, whoever
 * waits. Nothing is logged under the lock: a module that is told of the line may submit a job to this pool.
 */
static bool enqueue(struct pool *pool, struct pool_job *job, bool beyond_backlog, bool may_wait)
{
    int error = 0;
    pthread_mutex_lock(&pool->lock);
    bool queued = (beyond_backlog || is_within(pool, pool->entered + 1)) && find_thread(pool, &error);
    if (queued) {
        append(pool, job);
        for (uint64_t ordinal = pool->entered; may_wait && !is_within(pool, ordinal);) {
            pool->submitters++;
            pthread_cond_wait(&pool->room, &pool->lock);
            pool->submitters--;
        }
    }
    pthread_mutex_unlock(&pool->lock);
    if (error < 0 && !queued)
        paniclog_rated(&pool->complaints, PANIC_ERROR, "ThreadPool \"%s\": cannot start a thread: %s",
                       pool->name, uv_strerror(error));
    return queued;
}

/* The pool whose threads run what this thread brings; NULL: this thread runs it itself. */
static struct pool *running_pool(struct pool *pool)
{
    if (pool->concurrency > 0)
        return pool;
    return loop_current() ? pool_set_find(pool->set, "IO") : NULL;
}

static bool submit(struct pool *pool, struct pool_job *job, bool beyond_backlog)
{
    pool = running_pool(pool);
    if (pool)
        return enqueue(pool, job, beyond_backlog, false);
    run_job(job);
    return true;
}

bool pool_submit(struct pool *pool, struct pool_job *job)
{
    bool may_wait = !loop_current() && !working_for;
    pool = running_pool(pool);
    if (pool && enqueue(pool, job, true, may_wait))
        return true;
    if (loop_current())
        return false;
    run_job(job);
    return true;
}

bool pool_queue(struct pool *pool, struct pool_job *job)
{
    return submit(pool, job, true);
}

bool pool_try(struct pool *pool, struct pool_job *job)
{
    return submit(pool, job, false);
}

bool pool_cancel(struct pool *pool, struct pool_job *job)
{
    bool found = false;
    pool = running_pool(pool);
    if (!pool)
        return false;
    pthread_mutex_lock(&pool->lock);
    for (struct pool_job **at = &pool->first; *at; at = &(*at)->next) {
        if (*at != job)
            continue;
        *at = job->next;
        if (!*at)
            pool->last = at;
        pool->queued--;
        job_left(pool);
        found = true;
        break;
    }
    pthread_mutex_unlock(&pool->lock);
    return found;
}

/* ---- pools ----------------------------------------------------------------------------------- */

static bool is_spare(const struct pool *pool)
{
    return strcasecmp(pool->name, "IO") == 0;
}

static void change(struct pool *pool, const struct pool_settings *settings)
{
    pool->concurrency = settings->concurrency == 0 && is_spare(pool) ? 1 : settings->concurrency;
    pool->stack_size = settings->stack_size;
    pool->backlog = settings->backlog;
    free(pool->threads);
    pool->threads = mem_array(pool->concurrency, sizeof *pool->threads);
}

static struct pool *pool_create(struct pool_set *set, const struct pool_settings *settings)
{
    struct pool *pool = mem_new(struct pool);
    pool->set = set;
    pool->name = mem_dup(settings->name);
    pool->last = &pool->first;
    list_init(&pool->owned);
    pthread_mutex_init(&pool->lock, NULL);
    pthread_cond_init(&pool->work, NULL);
    pthread_cond_init(&pool->room, NULL);
    pthread_cond_init(&pool->rest, NULL);
    change(pool, settings);
    list_append(&set->pools, &pool->link);
    return pool;
}

static int pool_start(struct pool *pool)
{
    int error = 0;
    pthread_mutex_lock(&pool->lock);
    while (pool->started < pool->concurrency && error == 0)
        error = start_thread(pool);
    pthread_mutex_unlock(&pool->lock);
    return error;
}

static void pool_free(struct pool *pool)
{
    pthread_mutex_lock(&pool->lock);
    pool->stopping = true;
    pthread_cond_broadcast(&pool->work);
    pthread_mutex_unlock(&pool->lock);
    for (unsigned i = 0; i < pool->started; i++)
        pthread_join(pool->threads[i], NULL);
    pthread_mutex_destroy(&pool->lock);
    pthread_cond_destroy(&pool->work);
    pthread_cond_destroy(&pool->room);
    pthread_cond_destroy(&pool->rest);
    free(pool->threads);
    free(pool->name);
    free(pool);
}

const char *pool_name(const struct pool *pool)
{
    return pool->name;
}

void pool_count(struct pool *pool, struct pool_counts *counts)
{
    pthread_mutex_lock(&pool->lock);
    *counts = (struct pool_counts){
        .jobs = pool->jobs,
        .busy_us = pool->busy_ns / 1000,
        .up_us = pool->since_ns ? (uv_hrtime() - pool->since_ns) / 1000 : 0,
        .queued = pool->queued,
        .busy = pool->busy,
        .idle = pool->idle,
    };
    pthread_mutex_unlock(&pool->lock);
}

struct pool_settings pool_settings_of(const struct pool *pool)
{
    return (struct pool_settings){pool->name, pool->concurrency, pool->stack_size, pool->backlog};
}

unsigned pool_concurrency(const struct pool *pool)
{
    return pool->concurrency;
}

/* ---- sets ------------------------------------------------------------------------------------ */

struct pool_set *pool_set_create(void)
{
    static const struct pool_settings predefined[] = {
        {.name = "SwapOut", .concurrency = 5},
        {.name = "SwapIn", .concurrency = 5},
        {.name = "Unlink", .concurrency = 6, .backlog = 100},
        {.name = "Batch_Unlink", .concurrency = 4},
        {.name = "Close", .concurrency = 0},
        {.name = "CPU", .concurrency = 4},
        {.name = "IO", .concurrency = 50},
        {.name = "SpoolIn", .concurrency = 1},
    };
    struct pool_set *set = mem_new(struct pool_set);
    list_init(&set->pools);
    for (size_t i = 0; i < sizeof predefined / sizeof *predefined; i++)
        pool_create(set, &predefined[i]);
    return set;
}

void pool_set_define(struct pool_set *set, const struct pool_settings *settings)
{
    struct pool *pool = pool_set_find(set, settings->name);
    if (!pool) {
        pool = pool_create(set, settings);
    } else if (pool->started == 0) {
        change(pool, settings);
    }
    pool->defined = true;
}

int pool_set_start(struct pool_set *set)
{
    list_each(&set->pools, node, after) {
        struct pool *pool = container_of(node, struct pool, link);
        int error = pool->defined ? pool_start(pool) : 0;
        if (error < 0)
            return error;
    }
    return 0;
}

struct pool *pool_set_find(struct pool_set *set, const char *name)
{
    list_each(&set->pools, node, after) {
        struct pool *pool = container_of(node, struct pool, link);
        if (slice_equal_nocase(slice_text(pool->name), slice_text(name)))
            return pool;
    }
    return NULL;
}

struct pool *pool_set_next(struct pool_set *set, const struct pool *after)
{
    struct list_node *next = after ? after->link.next : set->pools.head.next;
    return next == &set->pools.head ? NULL : container_of(next, struct pool, link);
}

static void wait_for_rest(struct pool *pool)
{
    pthread_mutex_lock(&pool->lock);
    while (pool->busy || pool->queued)
        pthread_cond_wait(&pool->rest, &pool->lock);
    pthread_mutex_unlock(&pool->lock);
}

/* Once more if a job of one pool brought another one work meanwhile. */
void pool_set_wait(struct pool_set *set)
{
    do
        for (struct pool *pool = NULL; (pool = pool_set_next(set, pool));)
            wait_for_rest(pool);
    while (atomic_load(&set->unfinished) > 0);
}

bool pool_set_wait_for(struct pool_set *set, unsigned milliseconds)
{
    static const struct timespec pause = {0, 2000000};
    uint64_t until = uv_hrtime() + milliseconds * UINT64_C(1000000);
    while (atomic_load(&set->unfinished) > 0) {
        if (uv_hrtime() >= until)
            return false;
        nanosleep(&pause, NULL);
    }
    return true;
}

unsigned pool_set_running(struct pool_set *set, unsigned *others,
                          void (*tell)(const char *what, void *closure), void *closure)
{
    unsigned count = 0;
    *others = 0;
    for (struct pool *pool = NULL; (pool = pool_set_next(set, pool));) {
        pthread_mutex_lock(&pool->lock);
        *others += pool->busy;
        list_each(&pool->owned, node, after) {
            count++;
            --*others;
            if (tell)
                tell(container_of(node, struct owned_job, link)->name, closure);
        }
        pthread_mutex_unlock(&pool->lock);
    }
    return count;
}

void pool_set_free(struct pool_set *set)
{
    if (!set)
        return;
    for (struct list_node *node; (node = list_pop(&set->pools));)
        pool_free(container_of(node, struct pool, link));
    free(set);
}
