/*
 * loop: event loops over libuv and the tasks that other threads send them.
 *
 * A loop's inbox is a stack that any thread pushes onto with one compare-and-swap. The loop takes the whole
 * stack with one exchange and turns it round, which restores the order of posting. Only the push that finds
 * the stack empty wakes the loop: whoever pushes later is taken by the same wake.
 *
 * uv_prepare runs right before the loop waits for events, after all that the previous turn did: that is the end of
 * a turn. uv_check runs after the callbacks of the events, before anything updates uv_now again.
 */
#include "event/loop.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <time.h>
#include "base/list.h"
#include "base/mem.h"
#include "base/thread.h"
#include "event/turn.h"

struct loop {
    uv_loop_t uv;
    uv_async_t wake;
    uv_prepare_t prepare;
    uv_check_t check;
    _Atomic(struct loop_task *) inbox; /* last posted first */
    struct loop_task *turn_end;        /* tasks of loop_at_turn_end, last one first; the loop's thread only */
    struct loop_task stop;
    struct loop_group *group;
    pthread_t thread;
    unsigned index;
    struct buf spare; /* loop_spare */
    void *data;       /* loop_data */
    struct turn_clock turn;
    bool initialised;   /* uv and wake */
    bool running;       /* the thread was started and is not joined */
    bool turning;       /* loop_thread runs it; its thread only */
    _Atomic bool alive; /* `thread` and its CPU time may be asked for */
};

struct loop_group {
    char *name;
    _Atomic unsigned next; /* of loop_group_next, modulo size */
    unsigned size;
    struct loop *loops;
};

static _Thread_local struct loop *current;

/* ---- tasks ----------------------------------------------------------------------------------- */

enum { HELD_WAKES = 64 }; /* loops beyond these are woken at once */

static _Thread_local struct {
    unsigned depth; /* calls of loop_hold_wakes */
    unsigned count;
    struct loop *loops[HELD_WAKES];
} held_wakes;

void loop_hold_wakes(void)
{
    held_wakes.depth++;
}

void loop_release_wakes(void)
{
    if (--held_wakes.depth > 0)
        return;
    while (held_wakes.count > 0)
        uv_async_send(&held_wakes.loops[--held_wakes.count]->wake);
}

static void wake(struct loop *loop)
{
    if (held_wakes.depth > 0 && held_wakes.count < HELD_WAKES)
        held_wakes.loops[held_wakes.count++] = loop;
    else
        uv_async_send(&loop->wake);
}

void loop_post(struct loop *loop, struct loop_task *task)
{
    struct loop_task *head = atomic_load_explicit(&loop->inbox, memory_order_relaxed);
    do
        task->next = head;
    while (!atomic_compare_exchange_weak_explicit(&loop->inbox, &head, task, memory_order_release,
                                                  memory_order_relaxed));
    if (!head)
        wake(loop);
}

static struct loop_task *reversed(struct loop_task *task)
{
    struct loop_task *first = NULL;
    while (task) {
        struct loop_task *next = task->next;
        task->next = first;
        first = task;
        task = next;
    }
    return first;
}

/* Runs what is queued at the moment of the call; what these tasks post waits for the next turn. */
static void run_tasks(struct loop *loop)
{
    struct loop_task *task = reversed(atomic_exchange_explicit(&loop->inbox, NULL, memory_order_acquire));
    while (task) {
        struct loop_task *next = task->next; /* run may post the task again, or free it */
        task->run(task);
        task = next;
    }
}

static void on_wake(uv_async_t *wake)
{
    loop_doing("tasks from other threads");
    run_tasks(wake->data);
}

/* ---- the end of a turn ----------------------------------------------------------------------- */

bool loop_at_turn_end(struct loop_task *task)
{
    if (!current || !current->turning)
        return false;
    task->next = current->turn_end;
    current->turn_end = task;
    return true;
}

void loop_end_turn(struct loop *loop)
{
    struct loop_task *task = loop->turn_end;
    loop->turn_end = NULL;
    while (task) {
        struct loop_task *next = task->next;
        task->run(task);
        task = next;
    }
}

static _Atomic(void (*)(struct loop *loop, const struct long_turn *turn)) tell_long_turn;

static void on_prepare(uv_prepare_t *prepare)
{
    struct loop *loop = prepare->data;
    struct long_turn found;
    if (loop->turn_end) {
        loop_doing("what it gathered in the turn");
        loop_end_turn(loop);
    }
    if (!turn_end(&loop->turn, &found))
        return;
    void (*tell)(struct loop *, const struct long_turn *) = atomic_load(&tell_long_turn);
    if (tell)
        tell(loop, &found);
}

static void on_check(uv_check_t *check)
{
    struct loop *loop = check->data;
    turn_begin(&loop->turn, uv_now(&loop->uv));
}

const char *loop_doing(const char *what)
{
    if (!current)
        return NULL;
    const char *before = atomic_load_explicit(&current->turn.doing, memory_order_relaxed);
    atomic_store_explicit(&current->turn.doing, what, memory_order_relaxed);
    return before;
}

void loop_tell_long_turns(void (*tell)(struct loop *loop, const struct long_turn *turn))
{
    atomic_store(&tell_long_turn, tell);
}

/* ---- threads --------------------------------------------------------------------------------- */

static void *loop_thread(void *argument)
{
    struct loop *loop = argument;
    current = loop;
    atomic_store(&loop->alive, true);
    loop->turning = true;
    uv_run(&loop->uv, UV_RUN_DEFAULT);
    run_tasks(loop); /* what the last turn posted */
    loop->turning = false;
    loop_end_turn(loop);
    atomic_store(&loop->alive, false);
    current = NULL;
    return NULL;
}

static void run_stop(struct loop_task *task)
{
    uv_stop(&container_of(task, struct loop, stop)->uv);
}

int loop_group_start(struct loop_group *group)
{
    for (unsigned i = 0; i < group->size; i++) {
        struct loop *loop = &group->loops[i];
        char name[16], number[12];
        int digits = snprintf(number, sizeof number, "/%u", i);
        snprintf(name, sizeof name, "%.*s%s", (int)sizeof name - 1 - digits, group->name, number);
        int error = thread_start(&loop->thread, name, 0, loop_thread, loop);
        if (error < 0) {
            loop_group_stop(group);
            return error;
        }
        loop->running = true;
    }
    return 0;
}

void loop_group_stop(struct loop_group *group)
{
    for (unsigned i = 0; i < group->size; i++)
        if (group->loops[i].running)
            loop_post(&group->loops[i], &group->loops[i].stop);
    for (unsigned i = 0; i < group->size; i++) {
        if (group->loops[i].running)
            pthread_join(group->loops[i].thread, NULL);
        group->loops[i].running = false;
    }
}

void loop_adopt(struct loop *loop)
{
    current = loop;
    loop->thread = pthread_self();
    atomic_store(&loop->alive, true);
    uv_unref((uv_handle_t *)&loop->wake);
}

void loop_run_posted(struct loop *loop)
{
    run_tasks(loop);
}

/* ---- creating and freeing -------------------------------------------------------------------- */

static int loop_init(struct loop *loop, struct loop_group *group, unsigned index)
{
    int error = uv_loop_init(&loop->uv);
    if (error < 0)
        return error;
    error = uv_async_init(&loop->uv, &loop->wake, on_wake);
    if (error < 0) {
        uv_loop_close(&loop->uv);
        return error;
    }
    loop->wake.data = loop;
    uv_prepare_init(&loop->uv, &loop->prepare);
    uv_prepare_start(&loop->prepare, on_prepare);
    uv_unref((uv_handle_t *)&loop->prepare);
    uv_check_init(&loop->uv, &loop->check);
    uv_check_start(&loop->check, on_check);
    uv_unref((uv_handle_t *)&loop->check);
    loop->prepare.data = loop->check.data = loop;
    loop->stop.run = run_stop;
    loop->group = group;
    loop->index = index;
    loop->initialised = true;
    return 0;
}

static void close_silently(uv_handle_t *handle, void *argument)
{
    (void)argument;
    if (!uv_is_closing(handle))
        uv_close(handle, NULL);
}

/*
 * An owner that asked for uv_close still hears that it is done. What it opens then is closed in the next
 * round, and never waited for.
 */
static void loop_fini(struct loop *loop)
{
    if (!loop->initialised)
        return;
    struct loop *before = current == loop ? NULL : current;
    current = loop;
    do {
        uv_walk(&loop->uv, close_silently, NULL);
        uv_run(&loop->uv, UV_RUN_NOWAIT);
    } while (uv_loop_close(&loop->uv) == UV_EBUSY);
    buf_release(&loop->spare);
    current = before;
}

struct loop_group *loop_group_create(const char *name, unsigned concurrency)
{
    struct loop_group *group = mem_new(struct loop_group);
    group->name = mem_dup(name);
    group->size = concurrency ? concurrency : 1;
    group->loops = mem_array(group->size, sizeof *group->loops);
    for (unsigned i = 0; i < group->size; i++) {
        int error = loop_init(&group->loops[i], group, i);
        if (error < 0) {
            loop_group_free(group);
            errno = -error;
            return NULL;
        }
    }
    return group;
}

void loop_group_free(struct loop_group *group)
{
    if (!group)
        return;
    for (unsigned i = 0; i < group->size; i++)
        loop_fini(&group->loops[i]);
    free(group->loops);
    free(group->name);
    free(group);
}

/* ---- looking at them ------------------------------------------------------------------------- */

const char *loop_group_name(const struct loop_group *group)
{
    return group->name;
}

unsigned loop_group_size(const struct loop_group *group)
{
    return group->size;
}

struct loop *loop_group_at(struct loop_group *group, unsigned index)
{
    return &group->loops[index];
}

struct loop *loop_group_next(struct loop_group *group)
{
    return &group->loops[atomic_fetch_add_explicit(&group->next, 1, memory_order_relaxed) % group->size];
}

struct loop *loop_current(void)
{
    return current;
}

void loop_set_data(struct loop *loop, void *data)
{
    loop->data = data;
}

void *loop_data(const struct loop *loop)
{
    return loop->data;
}

struct buf *loop_spare(struct loop *loop)
{
    return &loop->spare;
}

uv_loop_t *loop_uv(struct loop *loop)
{
    return &loop->uv;
}

unsigned loop_index(const struct loop *loop)
{
    return loop->index;
}

uint64_t loop_now(const struct loop *loop)
{
    return uv_now(&loop->uv);
}

void loop_renew_now(struct loop *loop)
{
    turn_begin(&loop->turn, uv_now(&loop->uv));
    uv_update_time(&loop->uv);
}

uint64_t loop_turns(const struct loop *loop)
{
    return atomic_load_explicit(&loop->turn.number, memory_order_acquire);
}

const char *loop_look(struct loop *loop)
{
    const char *doing = atomic_load_explicit(&loop->turn.doing, memory_order_relaxed);
    if (doing)
        atomic_store_explicit(&loop->turn.seen, doing, memory_order_relaxed);
    return doing;
}

uint64_t loop_longest_us(const struct loop *loop)
{
    return atomic_load_explicit(&loop->turn.longest_us, memory_order_relaxed);
}

uint64_t loop_longest_cpu_us(const struct loop *loop)
{
    return atomic_load_explicit(&loop->turn.longest_cpu_us, memory_order_relaxed);
}

uint64_t loop_turns_over(const struct loop *loop, unsigned bound)
{
    return atomic_load_explicit(&loop->turn.over[bound], memory_order_relaxed);
}

uint64_t loop_cpu_us(const struct loop *loop)
{
    clockid_t clock;
    struct timespec time;
    if (!atomic_load(&loop->alive) || pthread_getcpuclockid(loop->thread, &clock) != 0 ||
        clock_gettime(clock, &time) != 0)
        return 0;
    return (uint64_t)time.tv_sec * 1000000 + (uint64_t)time.tv_nsec / 1000;
}

void loop_name(const struct loop *loop, char *name, size_t size)
{
    snprintf(name, size, "%s/%u", loop->group->name, loop->index);
}
