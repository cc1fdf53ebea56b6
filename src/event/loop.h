/*
 * loop: an event loop and the thread it runs on, over libuv.
 *
 * A session or a delivery belongs to one loop for life; whoever is on another thread sends it a task. The
 * rest of the daemon uses libuv's handles (uv_poll_t, uv_timer_t) directly on loop_uv(), from the loop's own
 * thread only.
 */
#ifndef IMPULSE_EVENT_LOOP_H
#define IMPULSE_EVENT_LOOP_H

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>
#include "base/buf.h"

struct loop;
struct loop_group; /* Momentum's EventLoop "name" { concurrency }: a set of loops that share work */

/* A message to a loop. It lives inside what it concerns; the loop never allocates or frees it. */
struct loop_task {
    struct loop_task *next;              /* the loop's, while posted */
    void (*run)(struct loop_task *task); /* called on the loop's thread, once per post */
};

/*
 * Makes `concurrency` (at least 1) loops, not yet running. `name` is copied; threads are called "NAME/0",
 * .... NULL with errno set when libuv or the kernel has no resources.
 */
struct loop_group *loop_group_create(const char *name, unsigned concurrency);
/* Starts the threads. 0 or a negative errno. */
int loop_group_start(struct loop_group *group);
/*
 * Asks every loop to stop once its queued tasks are run, and joins the threads. Handles that are still open
 * are left to loop_group_free, which closes them without calling their owners.
 */
void loop_group_stop(struct loop_group *group);
void loop_group_free(struct loop_group *group);

const char *loop_group_name(const struct loop_group *group);
unsigned loop_group_size(const struct loop_group *group);
struct loop *loop_group_at(struct loop_group *group, unsigned index);
/* The next loop, round robin. Any thread. */
struct loop *loop_group_next(struct loop_group *group);

/*
 * Makes the calling thread the loop's, instead of loop_group_start: the caller runs loop_uv() itself, as
 * often as it likes. Waiting for tasks does not keep uv_run going. loop_group_stop leaves such a loop alone.
 * Once, before anything is posted to it.
 */
void loop_adopt(struct loop *loop);
/* Runs what was posted to the adopted loop until now, without a turn of the loop. Its thread. */
void loop_run_posted(struct loop *loop);

/* The loop whose thread this is, or NULL on any other thread. */
struct loop *loop_current(void);
/* A pointer that belongs to a higher part of the daemon; NULL at first. Set before the loop runs. */
void loop_set_data(struct loop *loop, void *data);
void *loop_data(const struct loop *loop);
/*
 * A buffer for code that needs memory only for a part of a turn, so that it need not allocate. The user moves it out,
 * leaving it without memory, and moves back what it no longer needs. Freed with the loop. The loop's thread only.
 */
struct buf *loop_spare(struct loop *loop);
uv_loop_t *loop_uv(struct loop *loop);
/* Its index within its group. */
unsigned loop_index(const struct loop *loop);
/* Milliseconds, monotonic, as of the loop's current turn. The loop's thread only. */
uint64_t loop_now(const struct loop *loop);
/* Has loop_now tell the present moment, for timers that start now. Use it in place of uv_update_time, which moves the
 * beginning of the turn. The loop's thread only. */
void loop_renew_now(struct loop *loop);

/*
 * Queues `task` to run on the loop's thread; tasks from one thread run in the order they were posted. Any
 * thread, the loop's own included (it then runs in a later turn, not inside this call). The task must stay
 * alive and must not be posted again until it ran. Never blocks, never fails.
 */
void loop_post(struct loop *loop, struct loop_task *task);

/*
 * Between these two calls, which nest, the tasks that this thread posts do not wake their loops; they are woken by
 * loop_release_wakes. For a thread that posts many tasks in a row without waiting: each loop then finds all of them
 * in one turn. Any thread. No loop that is posted to may be freed in between.
 */
void loop_hold_wakes(void);
void loop_release_wakes(void);

/*
 * Runs `task` once on this thread at the end of the loop's turn, before the loop waits for events: for code that
 * collects the requests of a turn. The task must not post tasks or call loop_at_turn_end. Returns false, and does
 * nothing, on a thread that loop_group_start did not start; the caller then does the work itself.
 */
bool loop_at_turn_end(struct loop_task *task);
/*
 * Runs now what is to run when the turn ends. For the end of the process, which cannot wait for that. The loop's thread, or
 * any other one while the loop's thread stands still for good.
 */
void loop_end_turn(struct loop *loop);

/* ---- how long turns take ---------------------------------------------------------------------------------- */

enum {
    LOOP_LONG_MS = 100, /* a turn that takes so long is reported */
    LOOP_BOUNDS = 3,    /* 10, 20, 100 ms: turns that take longer are counted */
};

struct long_turn {
    uint64_t wall_ms;
    uint64_t cpu_ms; /* of the loop's thread, up to 2 ms too much; far less than wall_ms: the thread waited */
    const char *what; /* of loop_doing; NULL: not known */
};

/*
 * Notes what the calling thread's loop does from now on, for those who look at a turn that takes long: a static string
 * ("a reload"). The end of the turn clears it. Returns what was noted before, for code that is called by other code
 * that notes something. Costs one store; does nothing on other threads.
 */
const char *loop_doing(const char *what);
/* Has `tell` called on a loop's thread at the end of each turn of LOOP_LONG_MS or more. NULL: no more. Any thread. */
void loop_tell_long_turns(void (*tell)(struct loop *loop, const struct long_turn *turn));
/* Returns how many turns have ended. Any thread, as those that follow. */
uint64_t loop_turns(const struct loop *loop);
/* Returns what the loop does at this moment, or NULL, and keeps it for the report of the turn. */
const char *loop_look(struct loop *loop);
/* Return the longest turn until now: its time, and the most CPU time that a turn used. Microseconds. */
uint64_t loop_longest_us(const struct loop *loop);
uint64_t loop_longest_cpu_us(const struct loop *loop);
/* Returns how many turns took longer than the bound of that index, below LOOP_BOUNDS. */
uint64_t loop_turns_over(const struct loop *loop, unsigned bound);
/* Returns the CPU time of the loop's thread in microseconds; 0 if it does not run. */
uint64_t loop_cpu_us(const struct loop *loop);
/* Writes the name of the loop's thread, "GROUP/INDEX". */
void loop_name(const struct loop *loop, char *name, size_t size);

#endif
