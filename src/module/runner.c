/*
 * runner: see the header.
 *
 * Threads are watched by address: a thread's record is its own, in its thread-local memory, and is taken off the list
 * before that ends (the destructor of a pthread key).
 */
#include "module/runner.h"

#include <pthread.h>
#include <stdio.h>
#include <unistd.h>
#include "base/clock.h"
#include "base/list.h"
#include "base/mem.h"
#include "module/set.h"

_Thread_local struct runner_thread runner_thread;

static _Thread_local struct {
    char name[256];
    uint64_t when_ms;
} told;

void runner_obey(void)
{
    static const struct timespec step = {0, 1000000};
    for (;;) {
        unsigned wish = atomic_load(&runner_thread.wish);
        if (wish == RUNNER_GOES_ON)
            return;
        if (wish == RUNNER_PARKS)
            pause();
        else if (wish == RUNNER_WAITS)
            nanosleep(&step, NULL);
        else if (atomic_compare_exchange_strong(&runner_thread.wish, &wish, RUNNER_GOES_ON)) {
            runner_name(runner_now(), told.name, sizeof told.name);
            told.when_ms = clock_mono_ms();
        }
    }
}

void runner_told(uint64_t within_ms, char *text, size_t size)
{
    bool fresh = told.name[0] && clock_mono_ms() - told.when_ms <= within_ms;
    snprintf(text, size, "%s", fresh ? told.name : "");
}

void runner_name(const struct runner *runner, char *text, size_t size)
{
    if (runner)
        snprintf(text, size, "%s: %s%s%s", runner->module, runner->kind, *runner->what ? " " : "",
                 runner->what);
    else
        snprintf(text, size, "(on a thread of its own)");
}

void runner_release(const void *instance, void (*release)(void *data), void *data)
{
    const struct imp_module *module = instance;
    struct runner runner = {module->label, "the release function of what it attached", ""};
    const struct runner *outer = runner_enter(&runner);
    release(data);
    runner_leave(outer);
}

/* ---- threads that are watched ------------------------------------------------------------------------------- */

struct watched {
    struct list_node node;
    struct runner_thread *thread;
    const struct loop *loop;
    uint64_t entered; /* when it was looked at last */
    unsigned inside_ms;
};

static struct {
    pthread_mutex_t lock;
    struct list threads;
    pthread_once_t once; /* the key is made */
    pthread_key_t key;
} watch = {PTHREAD_MUTEX_INITIALIZER, {{&watch.threads.head, &watch.threads.head}}, PTHREAD_ONCE_INIT, 0};

static void forget(void *record)
{
    struct watched *watched = record;
    pthread_mutex_lock(&watch.lock);
    list_remove(&watched->node);
    pthread_mutex_unlock(&watch.lock);
    free(watched);
}

static void make_key(void)
{
    pthread_key_create(&watch.key, forget);
}

void runner_watch(struct loop *loop)
{
    pthread_once(&watch.once, make_key);
    struct watched *watched = mem_new(struct watched);
    watched->thread = &runner_thread;
    watched->loop = loop;
    pthread_mutex_lock(&watch.lock);
    list_append(&watch.threads, &watched->node);
    pthread_mutex_unlock(&watch.lock);
    pthread_setspecific(watch.key, watched);
}

static const struct timespec settle = {0, 50000000};

static bool is_inside(const struct watched *watched)
{
    return atomic_load_explicit(&watched->thread->current, memory_order_acquire) != NULL;
}

unsigned runner_longest(unsigned elapsed_ms)
{
    unsigned longest = 0;
    pthread_mutex_lock(&watch.lock);
    list_each(&watch.threads, node, after) {
        struct watched *watched = container_of(node, struct watched, node);
        uint64_t entered = atomic_load_explicit(&watched->thread->entered, memory_order_relaxed);
        bool same = is_inside(watched) && entered == watched->entered;
        watched->inside_ms = same ? watched->inside_ms + elapsed_ms : 0;
        watched->entered = entered;
        if (watched->inside_ms > longest)
            longest = watched->inside_ms;
    }
    pthread_mutex_unlock(&watch.lock);
    return longest;
}

static void tell_of(const struct watched *watched, void (*tell)(const char *what, void *closure),
                    void *closure)
{
    char what[256];
    const struct runner *runner = atomic_load_explicit(&watched->thread->current, memory_order_acquire);
    if (!runner)
        return;
    runner_name(runner, what, sizeof what);
    tell(what, closure);
}

void runner_park(unsigned least_ms, void (*tell)(const char *what, void *closure), void *closure)
{
    pthread_mutex_lock(&watch.lock);
    list_each(&watch.threads, node, after) {
        struct watched *watched = container_of(node, struct watched, node);
        if (is_inside(watched) && watched->inside_ms >= least_ms)
            atomic_store(&watched->thread->wish, RUNNER_PARKS);
    }
    nanosleep(&settle, NULL); /* a thread that read the wish before has left its call by now */
    list_each(&watch.threads, node, after) {
        struct watched *watched = container_of(node, struct watched, node);
        if (tell && atomic_load(&watched->thread->wish) == RUNNER_PARKS)
            tell_of(watched, tell, closure);
    }
    pthread_mutex_unlock(&watch.lock);
}

bool runner_is_parked(const struct loop *loop)
{
    bool parked = false;
    pthread_mutex_lock(&watch.lock);
    list_each(&watch.threads, node, after) {
        const struct watched *watched = container_of(node, struct watched, node);
        if (watched->loop == loop)
            parked = atomic_load(&watched->thread->wish) == RUNNER_PARKS && is_inside(watched);
    }
    pthread_mutex_unlock(&watch.lock);
    return parked;
}

/* ---- naming what takes long -------------------------------------------------------------------------------- */

/* Returns NULL if it is not watched. The lock is held. */
static struct watched *watched_of(const struct loop *loop)
{
    list_each(&watch.threads, node, after) {
        struct watched *watched = container_of(node, struct watched, node);
        if (watched->loop == loop)
            return watched;
    }
    return NULL;
}

/* Returns false if the thread has a wish already. */
static bool wish(struct watched *watched, unsigned wanted)
{
    unsigned none = RUNNER_GOES_ON;
    return atomic_compare_exchange_strong(&watched->thread->wish, &none, wanted);
}

void runner_ask(const struct loop *loop)
{
    pthread_mutex_lock(&watch.lock);
    struct watched *watched = watched_of(loop);
    if (watched && is_inside(watched))
        wish(watched, RUNNER_TELLS);
    pthread_mutex_unlock(&watch.lock);
}

uint64_t runner_entered(const struct loop *loop)
{
    pthread_mutex_lock(&watch.lock);
    struct watched *watched = watched_of(loop);
    uint64_t entered = watched ? atomic_load(&watched->thread->entered) : 0;
    pthread_mutex_unlock(&watch.lock);
    return entered;
}

void runner_name_of(const struct loop *loop, uint64_t entered, char *text, size_t size)
{
    text[0] = '\0';
    pthread_mutex_lock(&watch.lock);
    struct watched *watched = watched_of(loop);
    unsigned tells = RUNNER_TELLS;
    bool waits = watched && is_inside(watched) &&
                 (wish(watched, RUNNER_WAITS) ||
                  atomic_compare_exchange_strong(&watched->thread->wish, &tells, RUNNER_WAITS));
    if (waits) {
        nanosleep(&settle, NULL); /* a thread that read the wish before has left its call by now */
        if (is_inside(watched) && atomic_load(&watched->thread->entered) == entered)
            runner_name(atomic_load(&watched->thread->current), text, size);
        unsigned mine = RUNNER_WAITS;
        atomic_compare_exchange_strong(&watched->thread->wish, &mine, RUNNER_GOES_ON);
    }
    pthread_mutex_unlock(&watch.lock);
}
