/* Loops: order of tasks, wakes, stopping, and what happens to handles that stay open. */
#include "unit.h"

#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include "base/list.h"
#include "base/mem.h"
#include "event/loop.h"

static struct loop_group *start_group(const char *name, unsigned concurrency)
{
    struct loop_group *group = loop_group_create(name, concurrency);
    CU_ASSERT_PTR_NOT_NULL_FATAL(group);
    CU_ASSERT_EQUAL_FATAL(loop_group_start(group), 0);
    return group;
}

static void stop_group(struct loop_group *group)
{
    loop_group_stop(group);
    loop_group_free(group);
}

/* ---- looking at a loop from inside ----------------------------------------------------------- */

struct visit {
    struct loop_task task;
    struct unit_counter done;
    struct loop *current;
    char thread_name[16];
    bool term_blocked;
    uint64_t now;
};

static void run_visit(struct loop_task *task)
{
    struct visit *visit = container_of(task, struct visit, task);
    sigset_t blocked;
    pthread_sigmask(SIG_SETMASK, NULL, &blocked);
    visit->current = loop_current();
    visit->term_blocked = sigismember(&blocked, SIGTERM);
    visit->now = loop_now(loop_current());
    pthread_getname_np(pthread_self(), visit->thread_name, sizeof visit->thread_name);
    unit_count(&visit->done, 1);
}

static void test_group(void)
{
    struct loop_group *group = start_group("event_loops_of_mine", 3);
    static const char *const names[] = {"event_loops_o/0", "event_loops_o/1", "event_loops_o/2"};
    CU_ASSERT_STRING_EQUAL(loop_group_name(group), "event_loops_of_mine");
    CU_ASSERT_EQUAL(loop_group_size(group), 3);
    CU_ASSERT_PTR_NULL(loop_current());
    for (unsigned i = 0; i < 3; i++) {
        struct visit visit = {.task.run = run_visit, .done = UNIT_COUNTER};
        struct loop *loop = loop_group_at(group, i);
        loop_post(loop, &visit.task);
        CU_ASSERT_EQUAL(unit_wait(&visit.done, 1, 10), 1);
        CU_ASSERT_PTR_EQUAL(visit.current, loop);
        CU_ASSERT_EQUAL(loop_index(loop), i);
        CU_ASSERT_STRING_EQUAL(visit.thread_name, names[i]);
        CU_ASSERT(visit.term_blocked);
        CU_ASSERT(visit.now > 0);
    }
    unsigned turns[3] = {0};
    for (int i = 0; i < 30; i++)
        turns[loop_index(loop_group_next(group))]++;
    CU_ASSERT(turns[0] == 10 && turns[1] == 10 && turns[2] == 10);
    stop_group(group);
}

/* ---- order ----------------------------------------------------------------------------------- */

enum { POSTERS = 4, TASKS_EACH = 20000 };

struct numbered {
    struct loop_task task;
    int poster, index;
};

static int next_index[POSTERS]; /* the loop's thread only */
static int misplaced;
static struct unit_counter ran = UNIT_COUNTER;
static struct loop *target;
static struct numbered *numbered_tasks;

static void run_numbered(struct loop_task *task)
{
    struct numbered *numbered = container_of(task, struct numbered, task);
    misplaced += numbered->index != next_index[numbered->poster]++;
    if (numbered->index == TASKS_EACH - 1)
        unit_count(&ran, 1);
}

static void *post_tasks(void *argument)
{
    int poster = *(int *)argument;
    for (int i = 0; i < TASKS_EACH; i++) {
        struct numbered *numbered = &numbered_tasks[poster * TASKS_EACH + i];
        *numbered = (struct numbered){{.run = run_numbered}, poster, i};
        loop_post(target, &numbered->task);
    }
    return NULL;
}

static void test_order(void)
{
    struct loop_group *group = start_group("order", 1);
    pthread_t threads[POSTERS];
    int numbers[POSTERS];
    target = loop_group_at(group, 0);
    numbered_tasks = mem_array((size_t)POSTERS * TASKS_EACH, sizeof *numbered_tasks);
    for (int i = 0; i < POSTERS; i++) {
        numbers[i] = i;
        pthread_create(&threads[i], NULL, post_tasks, &numbers[i]);
    }
    CU_ASSERT_EQUAL(unit_wait(&ran, POSTERS, 60), POSTERS);
    for (int i = 0; i < POSTERS; i++)
        pthread_join(threads[i], NULL);
    stop_group(group);
    CU_ASSERT_EQUAL(misplaced, 0);
    for (int i = 0; i < POSTERS; i++)
        CU_ASSERT_EQUAL(next_index[i], TASKS_EACH);
    free(numbered_tasks);
}

/* ---- tasks that post ------------------------------------------------------------------------- */

struct repeated {
    struct loop_task task;
    struct unit_counter runs;
    int inside, nested;
    int left;
};

static void run_repeated(struct loop_task *task)
{
    struct repeated *repeated = container_of(task, struct repeated, task);
    repeated->nested += repeated->inside++;
    if (repeated->left-- > 0)
        loop_post(loop_current(), task);
    repeated->inside--;
    unit_count(&repeated->runs, 1);
}

/* A task may post itself: it runs again in a later turn, between which the loop sees to its other work. */
static void test_repost(void)
{
    struct loop_group *group = start_group("repost", 1);
    struct repeated repeated = {.task.run = run_repeated, .runs = UNIT_COUNTER, .left = 1000};
    struct visit visit = {.task.run = run_visit, .done = UNIT_COUNTER};
    loop_post(loop_group_at(group, 0), &repeated.task);
    loop_post(loop_group_at(group, 0), &visit.task);
    CU_ASSERT_EQUAL(unit_wait(&visit.done, 1, 10), 1);
    CU_ASSERT_EQUAL(unit_wait(&repeated.runs, 1001, 10), 1001);
    CU_ASSERT_EQUAL(repeated.nested, 0);
    stop_group(group);
}

struct ball {
    struct loop_task task;
    struct loop_group *group;
    struct unit_counter hits;
    int left;
};

static void run_ball(struct loop_task *task)
{
    struct ball *ball = container_of(task, struct ball, task);
    int left = --ball->left;
    if (left > 0)
        loop_post(loop_group_at(ball->group, (unsigned)left % 2), task);
    else
        unit_count(&ball->hits, 1);
}

/* One object goes to and fro between two loops: whatever the one wrote the other sees. */
static void test_ping_pong(void)
{
    struct loop_group *group = start_group("pingpong", 2);
    struct ball ball = {.task.run = run_ball, .group = group, .hits = UNIT_COUNTER, .left = 10000};
    loop_post(loop_group_at(group, 0), &ball.task);
    CU_ASSERT_EQUAL(unit_wait(&ball.hits, 1, 30), 1);
    stop_group(group);
}

static void run_and_free(struct loop_task *task)
{
    struct repeated *repeated = container_of(task, struct repeated, task);
    free(repeated);
}

/* ---- stopping -------------------------------------------------------------------------------- */

static void test_stop_runs_what_is_queued(void)
{
    struct loop_group *group = start_group("stop", 2);
    struct repeated counted[100];
    for (int i = 0; i < 100; i++) {
        counted[i] = (struct repeated){.task.run = run_repeated, .runs = UNIT_COUNTER};
        loop_post(loop_group_at(group, (unsigned)i % 2), &counted[i].task);
        struct repeated *own = mem_new(struct repeated);
        own->task.run = run_and_free;
        loop_post(loop_group_at(group, (unsigned)i % 2), &own->task);
    }
    loop_group_stop(group);
    int runs = 0;
    for (int i = 0; i < 100; i++)
        runs += counted[i].runs.value;
    CU_ASSERT_EQUAL(runs, 100);
    loop_group_stop(group); /* again is harmless */
    struct repeated late = {.task.run = run_repeated, .runs = UNIT_COUNTER};
    loop_post(loop_group_at(group, 0), &late.task); /* nobody runs it, nothing breaks */
    loop_group_free(group);
    loop_group_free(NULL);
}

struct poster {
    struct loop_task task;
    struct loop_task *other;
};

static void run_poster(struct loop_task *task)
{
    loop_post(loop_current(), container_of(task, struct poster, task)->other);
    uv_stop(loop_uv(loop_current())); /* this turn is the last */
}

/* And what the last of these tasks post. */
static void test_stop_runs_what_tasks_post(void)
{
    struct loop_group *group = start_group("stop", 1);
    struct repeated counted = {.task.run = run_repeated, .runs = UNIT_COUNTER};
    struct poster poster = {{.run = run_poster}, &counted.task};
    loop_post(loop_group_at(group, 0), &poster.task);
    loop_group_stop(group);
    CU_ASSERT_EQUAL(counted.runs.value, 1);
    loop_group_free(group);
}

static void test_never_started(void)
{
    struct loop_group *group = loop_group_create("idle", 0);
    CU_ASSERT_EQUAL(loop_group_size(group), 1);
    loop_group_stop(group);
    loop_group_free(group);
}

/* ---- handles --------------------------------------------------------------------------------- */

struct holder {
    struct loop_task task, last;
    uv_timer_t open, closing, late;
    uv_poll_t poll;
    int pipe[2];
    struct unit_counter ready;
    int closed, ticks;
};

static void on_tick(uv_timer_t *timer)
{
    ((struct holder *)timer->data)->ticks++;
}

static void on_poll(uv_poll_t *poll, int status, int events)
{
    (void)poll, (void)status, (void)events;
}

/* An owner that goes on with something else when its handle is closed. */
static void on_close(uv_handle_t *handle)
{
    struct holder *holder = handle->data;
    holder->closed++;
    uv_timer_init(handle->loop, &holder->late);
    holder->late.data = holder;
    uv_timer_start(&holder->late, on_tick, 0, 1);
}

static void run_hold(struct loop_task *task)
{
    struct holder *holder = container_of(task, struct holder, task);
    uv_loop_t *uv = loop_uv(loop_current());
    uv_timer_init(uv, &holder->open);
    uv_timer_init(uv, &holder->closing);
    uv_poll_init(uv, &holder->poll, holder->pipe[0]);
    holder->open.data = holder->closing.data = holder;
    uv_timer_start(&holder->open, on_tick, 0, 1);
    uv_poll_start(&holder->poll, UV_READABLE, on_poll);
    loop_post(loop_current(), &holder->last);
    uv_stop(uv);
    unit_count(&holder->ready, 1);
}

/* Runs after the last turn, so that the close is pending when the loop ends. */
static void run_last(struct loop_task *task)
{
    uv_close((uv_handle_t *)&container_of(task, struct holder, last)->closing, on_close);
}

/* Freeing closes what is open without a word, and completes a close that somebody waits for. */
static void test_open_handles(void)
{
    struct loop_group *group = start_group("handles", 1);
    struct holder holder = {.task.run = run_hold, .last.run = run_last, .ready = UNIT_COUNTER};
    CU_ASSERT_EQUAL_FATAL(pipe(holder.pipe), 0);
    loop_post(loop_group_at(group, 0), &holder.task);
    CU_ASSERT_EQUAL(unit_wait(&holder.ready, 1, 10), 1);
    loop_group_stop(group);
    CU_ASSERT_EQUAL(holder.closed, 0);
    int ticks = holder.ticks;
    loop_group_free(group);
    CU_ASSERT_EQUAL(holder.closed, 1);
    CU_ASSERT_EQUAL(holder.ticks, ticks);
    close(holder.pipe[0]);
    close(holder.pipe[1]);
}

struct adopted {
    struct loop_task task;
    struct loop *ran_on;
    struct unit_counter ran;
};

static void run_adopted(struct loop_task *task)
{
    struct adopted *adopted = container_of(task, struct adopted, task);
    adopted->ran_on = loop_current();
    unit_count(&adopted->ran, 1);
}

static void *post_adopted(void *argument)
{
    struct adopted *adopted = argument;
    loop_post(loop_data(adopted->ran_on), &adopted->task);
    return NULL;
}

static void on_patience(uv_timer_t *timer)
{
    uv_stop(timer->loop);
}

/* A loop that the test's own thread runs, and that another thread posts to. */
static void test_adopted(void)
{
    struct loop_group *group = loop_group_create("main", 1);
    struct loop *loop = loop_group_at(group, 0);
    struct adopted adopted = {{.run = run_adopted}, loop, UNIT_COUNTER};
    pthread_t thread;
    uv_timer_t patience;
    CU_ASSERT_PTR_NULL(loop_current());
    loop_adopt(loop);
    CU_ASSERT_PTR_EQUAL(loop_current(), loop);
    CU_ASSERT_FALSE(loop_at_turn_end(&adopted.task)); /* nobody knows when it runs */
    loop_set_data(loop, loop);
    CU_ASSERT_EQUAL(uv_run(loop_uv(loop), UV_RUN_DEFAULT), 0); /* waiting for tasks is nothing to wait for */
    uv_timer_init(loop_uv(loop), &patience);
    uv_timer_start(&patience, on_patience, 10000, 0);
    pthread_create(&thread, NULL, post_adopted, &adopted);
    uv_run(loop_uv(loop), UV_RUN_ONCE);
    pthread_join(thread, NULL);
    loop_run_posted(loop);
    CU_ASSERT(adopted.ran.value == 1 && adopted.ran_on == loop);
    loop_group_stop(group); /* leaves it alone */
    loop_group_free(group);
    CU_ASSERT_PTR_NULL(loop_current());
}

/* ---- turns ----------------------------------------------------------------------------------- */

enum { TOGETHER = 100 };

struct turn {
    struct loop_task tasks[TOGETHER];
    struct loop_task end;
    unsigned ran, ran_at_end; /* tasks; when the turn ended in which the first of them ran */
    bool accepted, in_order;  /* by loop_at_turn_end; the end came after that task had returned */
    struct unit_counter done;
};

static struct turn turn;

static void run_turn_end(struct loop_task *task)
{
    (void)task;
    turn.ran_at_end = turn.ran;
    turn.in_order = turn.accepted;
    unit_count(&turn.done, 1);
}

static void run_together(struct loop_task *task)
{
    (void)task;
    if (turn.ran++ == 0)
        turn.accepted = loop_at_turn_end(&turn.end);
}

/* With the wakes held, a loop finds all tasks in one turn, and what is to run at its end runs after them. */
static void test_tasks_of_one_turn(void)
{
    struct loop_group *group = start_group("turns", 1);
    turn = (struct turn){.end.run = run_turn_end, .done = UNIT_COUNTER};
    CU_ASSERT_FALSE(loop_at_turn_end(&turn.end)); /* not a loop's thread */
    loop_hold_wakes();
    loop_hold_wakes();
    for (size_t i = 0; i < TOGETHER; i++) {
        turn.tasks[i].run = run_together;
        loop_post(loop_group_at(group, 0), &turn.tasks[i]);
    }
    loop_release_wakes();
    CU_ASSERT_EQUAL(turn.ran, 0);
    loop_release_wakes();
    CU_ASSERT_EQUAL(unit_wait(&turn.done, 1, 10), 1);
    CU_ASSERT(turn.accepted && turn.in_order);
    CU_ASSERT_EQUAL(turn.ran_at_end, TOGETHER);
    stop_group(group);
}

static void end_turn_early(struct loop_task *task)
{
    turn.accepted = loop_at_turn_end(&turn.end);
    turn.ran++;
    loop_end_turn(loop_current());
    CU_ASSERT_EQUAL(turn.ran_at_end, 1);
    turn.ran++;
    (void)task;
}

/* loop_end_turn runs at once what waits for the end of the turn, and only once. */
static void test_turn_end_at_once(void)
{
    struct loop_group *group = start_group("turns", 1);
    turn = (struct turn){.end.run = run_turn_end, .done = UNIT_COUNTER, .tasks[0].run = end_turn_early};
    loop_post(loop_group_at(group, 0), &turn.tasks[0]);
    stop_group(group);
    CU_ASSERT_EQUAL(turn.ran, 2);
    CU_ASSERT_EQUAL(turn.done.value, 1);
}

/* What the last turn collects is not lost. */
static void test_turn_end_at_the_stop(void)
{
    struct loop_group *group = start_group("turns", 1);
    turn = (struct turn){.end.run = run_turn_end, .done = UNIT_COUNTER, .tasks[0].run = run_together};
    loop_post(loop_group_at(group, 0), &turn.tasks[0]);
    loop_group_stop(group);
    CU_ASSERT_EQUAL(turn.done.value, 1);
    CU_ASSERT_EQUAL(turn.ran_at_end, 1);
    loop_group_free(group);
}

/* ---- how long turns take ----------------------------------------------------------------------- */

enum { SLEEP_MS = LOOP_LONG_MS + 20 };

static struct sleeper {
    struct loop_task task;
    struct unit_counter told;
    struct loop *loop;
    struct long_turn turn;
    bool renews;     /* the loop's time in the turn */
    const char *saw; /* loop_look */
} sleeper;

static void run_sleep(struct loop_task *task)
{
    struct timespec time = {0, SLEEP_MS * 1000000L};
    (void)task;
    loop_doing("a sleep");
    nanosleep(&time, NULL);
    if (sleeper.renews)
        loop_renew_now(loop_current());
    sleeper.saw = loop_look(loop_current());
    loop_doing("what is done last");
}

static void on_long_turn(struct loop *loop, const struct long_turn *long_turn)
{
    sleeper.loop = loop;
    sleeper.turn = *long_turn;
    unit_count(&sleeper.told, 1);
}

static void sleep_in_a_turn(bool renews)
{
    struct loop_group *group = start_group("slow", 1);
    struct loop *loop = loop_group_at(group, 0);
    sleeper = (struct sleeper){.task.run = run_sleep, .told = UNIT_COUNTER, .renews = renews};
    loop_tell_long_turns(on_long_turn);
    loop_post(loop, &sleeper.task);
    CU_ASSERT_EQUAL(unit_wait(&sleeper.told, 1, 10), 1);
    CU_ASSERT_PTR_EQUAL(sleeper.loop, loop);
    CU_ASSERT(sleeper.turn.wall_ms >= SLEEP_MS);
    CU_ASSERT(sleeper.turn.cpu_ms < sleeper.turn.wall_ms);
    CU_ASSERT_STRING_EQUAL(sleeper.saw, "a sleep");
    CU_ASSERT_STRING_EQUAL(sleeper.turn.what, "a sleep"); /* which was seen, not what came last */
    CU_ASSERT(loop_longest_us(loop) >= SLEEP_MS * 1000);
    CU_ASSERT(loop_longest_cpu_us(loop) < loop_longest_us(loop));
    for (unsigned i = 0; i < LOOP_BOUNDS; i++)
        CU_ASSERT(loop_turns_over(loop, i) >= 1);
    loop_tell_long_turns(NULL);
    stop_group(group);
}

static void test_long_turn(void)
{
    sleep_in_a_turn(false);
    sleep_in_a_turn(true);
}

int main(void)
{
    CU_TestInfo tests[] = {
        {"group", test_group},
        {"order of four posters", test_order},
        {"a task that posts itself", test_repost},
        {"two loops, one object", test_ping_pong},
        {"stop runs what is queued", test_stop_runs_what_is_queued},
        {"stop runs what tasks post", test_stop_runs_what_tasks_post},
        {"never started", test_never_started},
        {"open handles", test_open_handles},
        {"adopted by its thread", test_adopted},
        {"tasks of one turn", test_tasks_of_one_turn},
        {"the end of the last turn", test_turn_end_at_the_stop},
        {"the end of a turn at once", test_turn_end_at_once},
        {"a turn that takes long", test_long_turn},
        CU_TEST_INFO_NULL,
    };
    return unit_run("loop", tests);
}
