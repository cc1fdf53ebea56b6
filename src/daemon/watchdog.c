/*
 * watchdog: see the header.
 */
#include "daemon/watchdog.h"

#include <errno.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdio.h>
#include <time.h>
#include "base/clock.h"
#include "base/list.h"
#include "base/mem.h"
#include "base/thread.h"
#include "log/paniclog.h"
#include "metrics/metric.h"
#include "module/runner.h"

enum {
    LOOK_MS = 50,
    STUCK_MS = 1000, /* without a turn before a loop is sent a task, and then before it is stuck */
    LATE_MS = 500,   /* looks that are so late saw nothing: the process was stopped, or the machine busy */
    EVERY_MS = 60 * 1000, /* a line of each loop */
};

struct watched_loop {
    struct loop *loop;
    struct panic_rate rate;
    uint64_t turns;   /* at the last look */
    uint64_t entered; /* runner_entered, likewise */
    uint64_t same_ms; /* for how long nothing of it has changed */
    uint64_t cpu_us;  /* when that began */
    struct loop_task task;
    _Atomic bool sent; /* the task, which has not run */
};

static struct {
    pthread_t thread;
    sem_t stop;
    struct watched_loop *loops;
    unsigned count;
    bool started;
} dog;

/* ---- lines ------------------------------------------------------------------------------------------- */

static struct watched_loop *watched_of(const struct loop *loop)
{
    for (unsigned i = 0; i < dog.count; i++)
        if (dog.loops[i].loop == loop)
            return &dog.loops[i];
    return NULL;
}

/* Says which module it was, if one is named, and otherwise which part of the daemon. */
static void tell(struct watched_loop *watched, const char *verb, uint64_t wall_ms, uint64_t cpu_ms,
                 const char *module, const char *what)
{
    char name[64];
    uint64_t left_out;
    if (!panic_rate_allows(&watched->rate, EVERY_MS, &left_out))
        return;
    if (!what)
        what = "what it did is not known";
    loop_name(watched->loop, name, sizeof name);
    paniclog(PANIC_WARNING,
             "event loop %s: a turn %s %llu ms (CPU %llu ms): %s%s; its other work waits meanwhile "
             "(%llu more since the last line)",
             name, verb, (unsigned long long)wall_ms, (unsigned long long)cpu_ms, *module ? "module " : "",
             *module ? module : what, (unsigned long long)left_out);
}

/* On the loop's thread. */
static void tell_long(struct loop *loop, const struct long_turn *turn)
{
    char module[256];
    struct watched_loop *watched = watched_of(loop);
    runner_told(turn->wall_ms, module, sizeof module);
    if (watched)
        tell(watched, "took", turn->wall_ms, turn->cpu_ms, module, turn->what);
}

static void tell_stuck(struct watched_loop *watched)
{
    char module[256];
    uint64_t cpu_us = loop_cpu_us(watched->loop) - watched->cpu_us;
    const char *what = loop_look(watched->loop);
    runner_name_of(watched->loop, watched->entered, module, sizeof module);
    tell(watched, "has lasted", watched->same_ms, cpu_us / 1000, module, what);
}

/* ---- looking ----------------------------------------------------------------------------------------- */

static void note_sign(struct loop_task *task)
{
    atomic_store(&container_of(task, struct watched_loop, task)->sent, false);
}

static void look(struct watched_loop *watched, uint64_t elapsed_ms)
{
    uint64_t turns = loop_turns(watched->loop), entered = runner_entered(watched->loop);
    bool same = turns == watched->turns && entered == watched->entered;
    if (turns == watched->turns) {
        loop_look(watched->loop);
        runner_ask(watched->loop);
    }
    if (!same)
        watched->cpu_us = loop_cpu_us(watched->loop);
    watched->same_ms = same ? watched->same_ms + elapsed_ms : 0;
    watched->turns = turns;
    watched->entered = entered;
    if (watched->same_ms < STUCK_MS)
        return;
    if (!atomic_load(&watched->sent)) {
        atomic_store(&watched->sent, true);
        loop_post(watched->loop, &watched->task);
    } else if (watched->same_ms >= 2ULL * STUCK_MS) {
        tell_stuck(watched);
    }
}

/* Returns false when the watchdog is to stop. */
static bool await_look(void)
{
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_nsec += LOOK_MS * 1000000L;
    until.tv_sec += until.tv_nsec / 1000000000;
    until.tv_nsec %= 1000000000;
    while (sem_timedwait(&dog.stop, &until) != 0)
        if (errno == ETIMEDOUT)
            return true;
    return false;
}

static void *run(void *unused)
{
    (void)unused;
    for (uint64_t last = clock_mono_ms(); await_look();) {
        uint64_t now = clock_mono_ms(), elapsed = now - last;
        last = now;
        for (unsigned i = 0; i < dog.count; i++)
            look(&dog.loops[i], elapsed > LATE_MS ? 0 : elapsed);
    }
    return NULL;
}

/* ---- metrics ----------------------------------------------------------------------------------------- */

static double longest(void *loop)
{
    return (double)loop_longest_us(loop) / 1e6;
}

static double longest_cpu(void *loop)
{
    return (double)loop_longest_cpu_us(loop) / 1e6;
}

static double over_10_ms(void *loop)
{
    return (double)loop_turns_over(loop, 0);
}

static double over_20_ms(void *loop)
{
    return (double)loop_turns_over(loop, 1);
}

static double over_100_ms(void *loop)
{
    return (double)loop_turns_over(loop, 2);
}

static double turns(void *loop)
{
    return (double)loop_turns(loop);
}

static void register_loop(struct loop *loop)
{
    const struct metric_definition rows[] = {
        {.name = "impulse_loop_turns_total", .help = "Turns of an event loop", .read = turns},
        {.name = "impulse_loop_turns_over_10ms_total",
         .help = "Turns of an event loop that took 10 ms or more",
         .read = over_10_ms},
        {.name = "impulse_loop_turns_over_20ms_total",
         .help = "Turns of an event loop that took 20 ms or more",
         .read = over_20_ms},
        {.name = "impulse_loop_turns_over_100ms_total",
         .help = "Turns of an event loop that took 100 ms or more",
         .read = over_100_ms},
        {.kind = METRIC_GAUGE,
         .name = "impulse_loop_longest_turn_seconds",
         .help = "Longest turn of an event loop since the start",
         .read = longest},
        {.kind = METRIC_GAUGE,
         .name = "impulse_loop_longest_turn_cpu_seconds",
         .help = "Most CPU time that a turn of an event loop used since the start",
         .read = longest_cpu},
    };
    char name[64];
    loop_name(loop, name, sizeof name);
    metric_core_read(rows, sizeof rows / sizeof *rows, loop, "loop", name);
}

/* ---- start and stop ---------------------------------------------------------------------------------- */

bool watchdog_start(struct loop **loops, unsigned count)
{
    dog.loops = mem_array(count, sizeof *dog.loops);
    dog.count = count;
    for (unsigned i = 0; i < count; i++) {
        dog.loops[i] = (struct watched_loop){.loop = loops[i], .task.run = note_sign};
        register_loop(loops[i]);
    }
    sem_init(&dog.stop, 0, 0);
    loop_tell_long_turns(tell_long);
    dog.started = thread_start(&dog.thread, "watchdog", 0, run, NULL) == 0;
    return dog.started;
}

void watchdog_stop(void)
{
    loop_tell_long_turns(NULL);
    if (!dog.started)
        return;
    sem_post(&dog.stop);
    pthread_join(dog.thread, NULL);
    dog.started = false;
}
