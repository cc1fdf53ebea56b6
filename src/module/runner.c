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
#include "base/list.h"
#include "base/mem.h"
#include "module/set.h"

_Thread_local struct runner_thread runner_thread;

void runner_stay(void)
{
    for (;;)
        pause();
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
    static const struct timespec settle = {0, 50000000};
    pthread_mutex_lock(&watch.lock);
    list_each(&watch.threads, node, after) {
        struct watched *watched = container_of(node, struct watched, node);
        if (is_inside(watched) && watched->inside_ms >= least_ms)
            atomic_store(&watched->thread->parked, true);
    }
    nanosleep(&settle, NULL); /* a thread that read `parked` before has left its call by now */
    list_each(&watch.threads, node, after) {
        struct watched *watched = container_of(node, struct watched, node);
        if (tell && atomic_load(&watched->thread->parked))
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
            parked = atomic_load(&watched->thread->parked) && is_inside(watched);
    }
    pthread_mutex_unlock(&watch.lock);
    return parked;
}
