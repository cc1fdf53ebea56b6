/*
 * ctl_call: see ctl_call.h.
 *
 * A call has two holders: the session, on the main thread, and the command. It is freed when both have let
 * go. What other threads do to a call is noted under the lock of all calls, and the main thread is woken.
 */
#include "control/ctl_call.h"

#include <pthread.h>
#include <stdlib.h>
#include "base/list.h"
#include "base/mem.h"
#include "control/ctl_call_private.h"
#include "event/loop.h"
#include "log/paniclog.h"
#include "module/runner.h"

struct ctl_calls {
    pthread_mutex_t lock; /* over the list of those to look at, and over what the calls say there */
    pthread_cond_t room;  /* some call has room again, or is cancelled */
    uv_async_t wake;
    bool closed;         /* the handle is closed, or about to be */
    bool handle_gone;    /* it is not the loop's any more */
    size_t count;        /* calls that are not freed */
    struct list waiting; /* to be looked at */
    struct list all;     /* keeps those that are left at the end in reach of a debugger */
};

/* The calls that the end of the process found unfinished: nobody frees them any more. */
static struct ctl_calls *unfinished;

typedef void call_fn(struct ctl_call *call, void *closure);

struct ctl_call {
    struct list_node link;    /* in calls->all */
    struct list_node waiting; /* in calls->waiting */
    struct ctl_calls *calls;
    char **words;
    size_t count;
    char *user;
    /* The main thread's. */
    void (*look)(void *session);
    void *session; /* NULL: it has left */
    call_fn *cancelled;
    void *cancelled_closure;
    void (*release)(void *closure);
    void *release_closure;
    /* Under calls->lock. */
    struct buf text;
    bool gone, finished, ok, overrun;
    call_fn *room;
    void *room_closure;
};

/* ---- freeing --------------------------------------------------------------------------------- */

static void free_call(struct ctl_call *call)
{
    if (call->release)
        call->release(call->release_closure);
    for (size_t i = 0; i < call->count; i++)
        free(call->words[i]);
    free(call->words);
    free(call->user);
    buf_release(&call->text);
    free(call);
}

static void free_calls(struct ctl_calls *calls)
{
    pthread_mutex_destroy(&calls->lock);
    pthread_cond_destroy(&calls->room);
    free(calls);
}

/* With the lock held: takes the call off the lists; true when the calls themselves have to be freed with it.
 */
static bool forget(struct ctl_call *call)
{
    struct ctl_calls *calls = call->calls;
    list_remove(&call->link);
    list_remove(&call->waiting);
    return --calls->count == 0 && calls->handle_gone;
}

/* With the lock held, which is given back. */
static void drop(struct ctl_call *call)
{
    struct ctl_calls *calls = call->calls;
    bool last = forget(call);
    pthread_mutex_unlock(&calls->lock);
    free_call(call);
    if (last)
        free_calls(calls);
}

/* ---- the main thread ------------------------------------------------------------------------- */

/* With the lock held. */
static void wake(struct ctl_call *call)
{
    if (!list_linked(&call->waiting))
        list_append(&call->calls->waiting, &call->waiting);
    if (!call->calls->closed)
        uv_async_send(&call->calls->wake);
}

/* Whoever waits for room. With the lock held, which is given back while the owner is called. */
static void tell_room(struct ctl_call *call)
{
    struct ctl_calls *calls = call->calls;
    call_fn *room = call->room;
    void *closure = call->room_closure;
    if (!room || (!call->gone && buf_size(&call->text) >= CTL_CALL_MUCH / 2))
        return;
    call->room = NULL;
    pthread_mutex_unlock(&calls->lock);
    room(call, closure);
    pthread_mutex_lock(&calls->lock);
}

/* The session looks first, and may leave the call; the owner is asked afterwards, unless it has finished. */
static void look_at(struct ctl_calls *calls, struct ctl_call *call)
{
    if (call->session) {
        pthread_mutex_unlock(&calls->lock);
        call->look(call->session);
        pthread_mutex_lock(&calls->lock);
        return;
    }
    if (call->finished) {
        drop(call);
        pthread_mutex_lock(&calls->lock);
        return;
    }
    tell_room(call);
}

static void on_wake(uv_async_t *async)
{
    struct ctl_calls *calls = async->data;
    struct list now; /* what comes in meanwhile is for a later turn */
    list_init(&now);
    pthread_mutex_lock(&calls->lock);
    for (struct list_node *node; (node = list_pop(&calls->waiting));)
        list_append(&now, node);
    for (struct list_node *node; (node = list_pop(&now));)
        look_at(calls, container_of(node, struct ctl_call, waiting));
    pthread_mutex_unlock(&calls->lock);
}

struct ctl_calls *ctl_calls_create(uv_loop_t *loop)
{
    struct ctl_calls *calls = mem_new(struct ctl_calls);
    pthread_mutex_init(&calls->lock, NULL);
    pthread_cond_init(&calls->room, NULL);
    list_init(&calls->waiting);
    list_init(&calls->all);
    uv_async_init(loop, &calls->wake, on_wake);
    uv_unref((uv_handle_t *)&calls->wake);
    calls->wake.data = calls;
    return calls;
}

static void on_closed(uv_handle_t *handle)
{
    struct ctl_calls *calls = handle->data;
    pthread_mutex_lock(&calls->lock);
    calls->handle_gone = true;
    bool last = calls->count == 0;
    pthread_mutex_unlock(&calls->lock);
    if (last)
        free_calls(calls);
}

void ctl_calls_collect(struct ctl_calls *calls)
{
    on_wake(&calls->wake);
}

void ctl_calls_close(struct ctl_calls *calls)
{
    ctl_calls_collect(calls);
    pthread_mutex_lock(&calls->lock);
    calls->closed = true;
    unfinished = calls->count ? calls : NULL;
    pthread_mutex_unlock(&calls->lock);
    uv_close((uv_handle_t *)&calls->wake, on_closed);
}

struct ctl_call *ctl_call_create(struct ctl_calls *calls, const char *const *words, size_t count,
                                 const char *user, void (*look)(void *session), void *session)
{
    struct ctl_call *call = mem_new(struct ctl_call);
    call->calls = calls;
    call->words = mem_array(count, sizeof *call->words);
    call->count = count;
    for (size_t i = 0; i < count; i++)
        call->words[i] = mem_dup(words[i]);
    call->user = mem_dup(user ? user : "");
    call->look = look;
    call->session = session;
    pthread_mutex_lock(&calls->lock);
    calls->count++;
    list_append(&calls->all, &call->link);
    pthread_mutex_unlock(&calls->lock);
    return call;
}

static enum ctl_progress progress(const struct ctl_call *call)
{
    if (call->overrun)
        return CTL_OVERRUN;
    if (!call->finished || buf_size(&call->text))
        return CTL_GOES_ON;
    return call->ok ? CTL_DONE : CTL_REFUSED;
}

enum ctl_progress ctl_call_take(struct ctl_call *call, struct buf *text, size_t most)
{
    struct ctl_calls *calls = call->calls;
    pthread_mutex_lock(&calls->lock);
    struct slice all = buf_slice(&call->text);
    struct slice part = slice_of(all.data, all.size < most ? all.size : most);
    buf_append_slice(text, part);
    buf_consume(&call->text, part.size);
    enum ctl_progress result = progress(call);
    if (buf_size(&call->text) == 0)
        buf_release(&call->text);
    if (!call->finished && part.size) {
        if (buf_size(&call->text) < CTL_CALL_MUCH / 2)
            pthread_cond_broadcast(&calls->room);
    }
    if (!call->finished)
        tell_room(call);
    pthread_mutex_unlock(&calls->lock);
    return result;
}

bool ctl_call_is_finished(struct ctl_call *call)
{
    pthread_mutex_lock(&call->calls->lock);
    bool finished = call->finished;
    pthread_mutex_unlock(&call->calls->lock);
    return finished;
}

void ctl_call_leave(struct ctl_call *call)
{
    struct ctl_calls *calls = call->calls;
    pthread_mutex_lock(&calls->lock);
    call->session = NULL;
    call->gone = true;
    buf_release(&call->text);
    if (call->finished) {
        drop(call);
        return;
    }
    pthread_cond_broadcast(&calls->room);
    if (call->room)
        wake(call); /* in a later turn: its owner may be who is calling */
    call_fn *cancelled = call->cancelled;
    call->cancelled = NULL;
    pthread_mutex_unlock(&calls->lock);
    if (cancelled)
        cancelled(call, call->cancelled_closure);
}

/* ---- the command ----------------------------------------------------------------------------- */

static void name_misuse(const char *what)
{
    static struct panic_rate rate;
    const struct runner *runner = runner_now();
    paniclog_rated(&rate, PANIC_CRITICAL, "module %s: a console command %s",
                   runner ? runner->module : "(on a thread of its own)", what);
}

size_t ctl_call_count(const struct ctl_call *call)
{
    return call->count;
}

const char *ctl_call_word(const struct ctl_call *call, size_t index)
{
    return index < call->count ? call->words[index] : NULL;
}

const char *ctl_call_user(const struct ctl_call *call)
{
    return call->user;
}

/* With the lock held. */
static enum ctl_room write_text(struct ctl_call *call, struct slice text)
{
    if (!call->gone && buf_size(&call->text) + text.size > CTL_CALL_MOST) {
        call->overrun = call->gone = true;
        buf_release(&call->text);
        wake(call);
    }
    if (call->gone)
        return CTL_GONE;
    buf_append_slice(&call->text, text);
    wake(call);
    return buf_size(&call->text) > CTL_CALL_MUCH ? CTL_BEHIND : CTL_TAKEN;
}

enum ctl_room ctl_call_write(struct ctl_call *call, struct slice text)
{
    pthread_mutex_lock(&call->calls->lock);
    enum ctl_room room = write_text(call, text);
    pthread_mutex_unlock(&call->calls->lock);
    return room;
}

bool ctl_call_gone(struct ctl_call *call)
{
    pthread_mutex_lock(&call->calls->lock);
    bool gone = call->gone;
    pthread_mutex_unlock(&call->calls->lock);
    return gone;
}

void ctl_call_on_room(struct ctl_call *call, call_fn *room, void *closure)
{
    pthread_mutex_lock(&call->calls->lock);
    call->room = room;
    call->room_closure = closure;
    wake(call);
    pthread_mutex_unlock(&call->calls->lock);
}

enum ctl_room ctl_call_wait(struct ctl_call *call)
{
    struct ctl_calls *calls = call->calls;
    if (loop_current()) {
        name_misuse("would wait for its client on an event loop; it does not wait");
        return ctl_call_gone(call) ? CTL_GONE : CTL_TAKEN;
    }
    pthread_mutex_lock(&calls->lock);
    while (!call->gone && buf_size(&call->text) >= CTL_CALL_MUCH / 2)
        pthread_cond_wait(&calls->room, &calls->lock);
    bool gone = call->gone;
    pthread_mutex_unlock(&calls->lock);
    return gone ? CTL_GONE : CTL_TAKEN;
}

void ctl_call_on_cancel(struct ctl_call *call, call_fn *cancelled, void *closure)
{
    pthread_mutex_lock(&call->calls->lock);
    if (!call->finished && !call->gone) {
        call->cancelled = cancelled;
        call->cancelled_closure = closure;
    }
    pthread_mutex_unlock(&call->calls->lock);
}

void ctl_call_at_end(struct ctl_call *call, void (*release)(void *closure), void *closure)
{
    call->release = release;
    call->release_closure = closure;
}

void ctl_call_finish(struct ctl_call *call, bool ok)
{
    struct ctl_calls *calls = call->calls;
    pthread_mutex_lock(&calls->lock);
    if (call->finished) { /* detected only until the session has taken the end */
        pthread_mutex_unlock(&calls->lock);
        name_misuse("was finished twice; the second time is ignored");
        return;
    }
    call->finished = true;
    call->ok = ok;
    call->cancelled = NULL;
    call->room = NULL;
    if (calls->closed) {
        drop(call);
        return;
    }
    wake(call);
    pthread_mutex_unlock(&calls->lock);
}
