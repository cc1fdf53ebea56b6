/*
 * ctl_gather: see ctl_gather.h.
 */
#include "control/ctl_gather.h"

#include <pthread.h>
#include <stdatomic.h>
#include "base/list.h"
#include "base/mem.h"

struct gathered { /* a part, and what has become of it */
    struct ctl_part part;
    struct loop_task task;
    struct gather *gather;
    struct buf text; /* written and not sent */
    bool done;
    bool parked; /* its loop does nothing for it until it is posted again */
};

struct gather {
    pthread_mutex_t lock; /* over text, done and parked of the parts, and what follows */
    struct ctl_call *call;
    ctl_step_fn *step;
    void (*end)(struct ctl_call *call, void *closure);
    void *closure;
    bool behind; /* the client is: room is waited for */
    unsigned current, count;
    struct gathered parts[];
};

static _Atomic unsigned open_gathers; /* not finished */

static void on_room(struct ctl_call *call, void *closure);

/* Sends what is in turn. With the lock held. True when everything is sent. */
static bool advance(struct gather *gather)
{
    while (!gather->behind && gather->current < gather->count) {
        struct gathered *at = &gather->parts[gather->current];
        if (buf_size(&at->text)) {
            gather->behind = ctl_call_write(gather->call, buf_slice(&at->text)) == CTL_BEHIND;
            buf_release(&at->text);
        }
        if (gather->behind)
            ctl_call_on_room(gather->call, on_room, gather);
        else if (at->done)
            gather->current++;
        else
            break;
    }
    if (gather->current == gather->count)
        return true;
    struct gathered *at = &gather->parts[gather->current];
    if (at->parked && !gather->behind) {
        at->parked = false;
        loop_post(at->part.loop, &at->task);
    }
    return false;
}

static void finish(struct gather *gather)
{
    if (gather->end)
        gather->end(gather->call, gather->closure);
    ctl_call_finish(gather->call, true);
    pthread_mutex_destroy(&gather->lock);
    free(gather);
    atomic_fetch_sub(&open_gathers, 1);
}

static void on_room(struct ctl_call *call, void *closure)
{
    struct gather *gather = closure;
    (void)call;
    pthread_mutex_lock(&gather->lock);
    gather->behind = false;
    bool all = advance(gather);
    pthread_mutex_unlock(&gather->lock);
    if (all)
        finish(gather);
}

/* Must this part wait? With the lock held. */
static bool has_to_wait(const struct gather *gather, const struct gathered *at)
{
    bool in_turn = at == &gather->parts[gather->current];
    return in_turn ? gather->behind : buf_size(&at->text) > CTL_CALL_MUCH;
}

static void run_slice(struct loop_task *task)
{
    struct gathered *at = container_of(task, struct gathered, task);
    struct gather *gather = at->gather;
    at->part.gone = ctl_call_gone(gather->call);
    bool more = gather->step(&at->part) && !at->part.gone;
    pthread_mutex_lock(&gather->lock);
    buf_append_slice(&at->text, buf_slice(&at->part.text));
    buf_clear(&at->part.text);
    at->done = !more;
    if (!more)
        buf_release(&at->part.text);
    bool all = advance(gather);
    if (more && has_to_wait(gather, at))
        at->parked = true;
    else if (more)
        loop_post(at->part.loop, &at->task);
    pthread_mutex_unlock(&gather->lock);
    if (all)
        finish(gather);
}

void ctl_gather(struct ctl_call *call, struct loop_group *group, ctl_step_fn *step,
                void (*end)(struct ctl_call *call, void *closure), void *closure)
{
    unsigned count = loop_group_size(group);
    struct gather *gather = mem_zalloc(sizeof *gather + count * sizeof *gather->parts);
    atomic_fetch_add(&open_gathers, 1);
    pthread_mutex_init(&gather->lock, NULL);
    gather->call = call;
    gather->step = step;
    gather->end = end;
    gather->closure = closure;
    gather->count = count;
    for (unsigned i = 0; i < count; i++) {
        struct gathered *at = &gather->parts[i];
        at->gather = gather;
        at->part = (struct ctl_part){.loop = loop_group_at(group, i), .closure = closure};
        at->task.run = run_slice;
    }
    pthread_mutex_lock(&gather->lock);
    for (unsigned i = 0; i < count; i++)
        loop_post(gather->parts[i].part.loop, &gather->parts[i].task);
    pthread_mutex_unlock(&gather->lock);
}

bool ctl_gathers_are_open(void)
{
    return atomic_load(&open_gathers) > 0;
}
