/*
 * reclaimer: when to compact. How is the backend's affair.
 */
#include "spool/reclaimer.h"

#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <time.h>
#include "base/mem.h"
#include "base/thread.h"
#include "spool/layout.h"

struct reclaimer {
    struct spool_backend *backend;
    unsigned look_ms;         /* between two looks, of which every second one is for all */
    _Atomic uint64_t needed;  /* bytes of content that was stored and not removed */
    _Atomic uint64_t removed; /* bytes removed since the last compaction */
    pthread_mutex_t lock;     /* of what follows, the bodies that were discarded since the last compaction: */
    uint64_t discarded, first_id, last_id; /* their bytes; the least and the greatest id */
    uint64_t discarded_before;             /* `discarded` at the look before, to see whether it still grows */
    _Atomic bool stopping;
    sem_t stop;
    pthread_t thread;
};

static bool is_worth_it(struct reclaimer *reclaimer)
{
    if (atomic_load_explicit(&reclaimer->removed, memory_order_acquire) < RECLAIMER_LEAST_BYTES)
        return false;
    uint64_t stored = reclaimer->backend->operations->size(reclaimer->backend);
    uint64_t needed = atomic_load_explicit(&reclaimer->needed, memory_order_relaxed);
    if (needed > INT64_MAX)
        needed = 0; /* more was taken off than was known */
    return stored / 2 > needed && stored - needed > RECLAIMER_LEAST_BYTES;
}

/* Takes what was discarded, if that is worth it: when it is much, or when no more comes. */
static bool take_discarded(struct reclaimer *reclaimer, uint64_t *first_id, uint64_t *last_id)
{
    pthread_mutex_lock(&reclaimer->lock);
    uint64_t discarded = reclaimer->discarded;
    bool rests = discarded == reclaimer->discarded_before;
    bool enough = discarded >= (rests ? RECLAIMER_LEAST_RESTING : RECLAIMER_LEAST_BYTES);
    *first_id = reclaimer->first_id;
    *last_id = reclaimer->last_id;
    if (enough)
        reclaimer->discarded = 0;
    reclaimer->discarded_before = reclaimer->discarded;
    pthread_mutex_unlock(&reclaimer->lock);
    return enough;
}

static void compact_discarded(struct reclaimer *reclaimer, uint64_t first_id, uint64_t last_id)
{
    struct layout_key first, last;
    reclaimer->backend->operations->compact(reclaimer->backend, layout_id_key(&first, first_id),
                                            layout_body_key(&last, last_id, UINT32_MAX));
}

/* Waits for the time to look again. False if it is time to stop. */
static bool wait_for_look(struct reclaimer *reclaimer)
{
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    long nanoseconds = until.tv_nsec + (long)(reclaimer->look_ms % 1000) * 1000000;
    until.tv_sec += reclaimer->look_ms / 1000 + nanoseconds / 1000000000;
    until.tv_nsec = nanoseconds % 1000000000;
    while (sem_timedwait(&reclaimer->stop, &until) != 0 && errno == EINTR)
        ;
    return !atomic_load(&reclaimer->stopping);
}

static void *run(void *argument)
{
    struct reclaimer *reclaimer = argument;
    for (unsigned looks = 1; wait_for_look(reclaimer); looks++) {
        uint64_t first_id, last_id;
        bool discarded = take_discarded(reclaimer, &first_id, &last_id);
        if (looks % 2 == 0 && is_worth_it(reclaimer)) {
            atomic_store_explicit(&reclaimer->removed, 0, memory_order_relaxed);
            reclaimer->backend->operations->compact(reclaimer->backend, slice_of(NULL, 0), slice_of(NULL, 0));
        } else if (discarded) {
            compact_discarded(reclaimer, first_id, last_id);
        }
    }
    return NULL;
}

struct reclaimer *reclaimer_start(struct spool_backend *backend, unsigned look_ms)
{
    struct reclaimer *reclaimer = mem_new(struct reclaimer);
    reclaimer->backend = backend;
    reclaimer->look_ms = (look_ms + 1) / 2;
    atomic_init(&reclaimer->needed, 0);
    atomic_init(&reclaimer->removed, 0);
    atomic_init(&reclaimer->stopping, false);
    pthread_mutex_init(&reclaimer->lock, NULL);
    sem_init(&reclaimer->stop, 0, 0);
    int error = thread_start(&reclaimer->thread, "reclaimer", 0, run, reclaimer);
    if (!error)
        return reclaimer;
    sem_destroy(&reclaimer->stop);
    pthread_mutex_destroy(&reclaimer->lock);
    free(reclaimer);
    errno = -error;
    return NULL;
}

void reclaimer_found(struct reclaimer *reclaimer, uint64_t bytes)
{
    atomic_store_explicit(&reclaimer->needed, bytes, memory_order_relaxed);
    atomic_store_explicit(&reclaimer->removed, RECLAIMER_LEAST_BYTES, memory_order_release);
}

void reclaimer_add(struct reclaimer *reclaimer, uint64_t bytes)
{
    atomic_fetch_add_explicit(&reclaimer->needed, bytes, memory_order_relaxed);
}

void reclaimer_remove(struct reclaimer *reclaimer, uint64_t bytes)
{
    atomic_fetch_sub_explicit(&reclaimer->needed, bytes, memory_order_relaxed);
    atomic_fetch_add_explicit(&reclaimer->removed, bytes, memory_order_relaxed);
}

void reclaimer_discard(struct reclaimer *reclaimer, uint64_t body_id, uint64_t bytes)
{
    if (bytes == 0)
        return;
    reclaimer_remove(reclaimer, bytes);
    pthread_mutex_lock(&reclaimer->lock);
    if (reclaimer->discarded == 0)
        reclaimer->first_id = reclaimer->last_id = body_id;
    if (body_id < reclaimer->first_id)
        reclaimer->first_id = body_id;
    if (body_id > reclaimer->last_id)
        reclaimer->last_id = body_id;
    reclaimer->discarded += bytes;
    pthread_mutex_unlock(&reclaimer->lock);
}

void reclaimer_stop(struct reclaimer *reclaimer)
{
    atomic_store(&reclaimer->stopping, true);
    sem_post(&reclaimer->stop);
    reclaimer->backend->operations->interrupt(reclaimer->backend);
    pthread_join(reclaimer->thread, NULL);
    sem_destroy(&reclaimer->stop);
    pthread_mutex_destroy(&reclaimer->lock);
    free(reclaimer);
}
