/*
 * forced_end: see the header.
 *
 * When the process ends, no message that was answered 250 may be in memory only. So the server is told to defer
 * none any more, and every loop gets two turns: in the first it completes what it had begun before that, in the
 * second what others sent it in their first. Then each shard of the queues stores what it has.
 */
#include "daemon/forced_end.h"

#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include "base/buf.h"
#include "base/mem.h"
#include "base/stderr.h"
#include "base/thread.h"
#include "daemon/process.h"
#include "log/paniclog.h"
#include "log/writer.h"
#include "module/runner.h"

enum {
    STEP_MS = 100,
    BLOCKED_MS = 10000, /* for one call of a module, once the process is to end */
    PARK_MS = 1000,     /* a thread that has been in one call for so long is parked when it returns */
    TURN_MS = 2000,     /* time for a turn of a loop */
    TURNS = 10,         /* attempts before the end continues without a loop that does not answer */
};

static struct {
    pthread_mutex_t lock; /* over parts; kept for good by the thread that ends the process */
    struct forced_end_parts parts;
    pthread_t thread;
    sem_t heard;
    _Atomic bool stopping;
    bool started;
} guard = {.lock = PTHREAD_MUTEX_INITIALIZER};

/* ---- names ------------------------------------------------------------------------------------------- */

static void add_name(const char *what, void *names)
{
    char *line = mem_printf("impulse: module %s has not returned; the process ends without it\n", what);
    stderr_write(line, strlen(line));
    free(line);
    buf_printf(names, "%s%s", buf_size(names) ? "; module " : "", what);
}

static void name_all(void)
{
    struct buf names = {0};
    unsigned others;
    runner_park(PARK_MS, add_name, &names);
    if (guard.parts.threads)
        pool_set_running(threads_pools(guard.parts.threads), &others, add_name, &names);
    paniclog(PANIC_CRITICAL, "module %.*s has not returned; the process ends without it",
             (int)buf_size(&names), buf_size(&names) ? buf_slice(&names).data : "");
}

/* ---- what is in memory only -------------------------------------------------------------------------- */

struct turn {
    struct loop_task task;
    sem_t *taken;
};

static void take_turn(struct loop_task *task)
{
    sem_post(container_of(task, struct turn, task)->taken);
}

/* Waits until each loop has had a turn or is parked. Frees nothing, because a loop may run its task later. */
static void await_turns(void)
{
    static const struct timespec step = {0, STEP_MS * 1000000L};
    sem_t *taken = mem_new(sem_t);
    unsigned count, left = 0;
    struct loop **loops = threads_all_loops(guard.parts.threads, NULL, &count);
    struct turn *turns = mem_array(count, sizeof *turns);
    sem_init(taken, 0, 0);
    for (unsigned i = 1; i < count; i++) { /* the first is the main thread's, which serves no session */
        turns[i] = (struct turn){{.run = take_turn}, taken};
        left += !runner_is_parked(loops[i]);
        loop_post(loops[i], &turns[i].task);
    }
    for (unsigned waited = 0; left > 0 && waited < TURN_MS;) {
        if (sem_trywait(taken) == 0) {
            left--;
            continue;
        }
        nanosleep(&step, NULL);
        waited += STEP_MS;
        runner_longest(STEP_MS);
    }
    runner_park(PARK_MS, NULL, NULL);
}

static void store_all(void)
{
    smtp_server_defer_no_more(guard.parts.server);
    await_turns();
    await_turns();
    for (unsigned turn = 0; turn < TURNS; turn++) {
        if (queue_set_store_last(guard.parts.queues, runner_is_parked, TURN_MS))
            return;
        runner_longest(TURN_MS);
        runner_park(PARK_MS, NULL, NULL);
    }
    paniclog(PANIC_CRITICAL, "an event loop does not answer; messages that it has in memory only "
                             "(deferred_spool) may be lost");
}

void forced_end(void)
{
    pthread_mutex_lock(&guard.lock); /* for good */
    name_all();
    if (guard.parts.spool) {
        store_all();
        spool_finish(guard.parts.spool);
    }
    log_writer_stop();
    process_pidfile_remove();
    _exit(1);
}

/* ---- the thread -------------------------------------------------------------------------------------- */

static void on_signal(int number)
{
    (void)number;
    int saved = errno;
    sem_post(&guard.heard);
    errno = saved;
}

/* Unless the main thread is through with the end already, which somebody else began. */
static void begin_end(void)
{
    pthread_mutex_lock(&guard.lock);
    if (guard.parts.begin_end)
        guard.parts.begin_end(guard.parts.closure);
    pthread_mutex_unlock(&guard.lock);
}

static void *run(void *unused)
{
    static const struct timespec step = {0, STEP_MS * 1000000L};
    (void)unused;
    while (sem_wait(&guard.heard) != 0)
        ;
    begin_end();
    while (!atomic_load(&guard.stopping)) {
        nanosleep(&step, NULL);
        if (runner_longest(STEP_MS) >= BLOCKED_MS)
            forced_end();
    }
    return NULL;
}

bool forced_end_start(const struct forced_end_parts *parts)
{
    static const int signals[] = {SIGTERM, SIGINT};
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
    guard.parts = *parts;
    atomic_store(&guard.stopping, false);
    sem_init(&guard.heard, 0, 0);
    sigfillset(&action.sa_mask);
    for (size_t i = 0; i < sizeof signals / sizeof *signals; i++)
        sigaction(signals[i], &action, NULL);
    guard.started = thread_start(&guard.thread, "end", 0, run, NULL) == 0;
    return guard.started;
}

void forced_end_begun(void)
{
    sem_post(&guard.heard);
}

void forced_end_forget(void)
{
    pthread_mutex_lock(&guard.lock);
    guard.parts = (struct forced_end_parts){0};
    pthread_mutex_unlock(&guard.lock);
}

void forced_end_stop(void)
{
    if (!guard.started)
        return;
    atomic_store(&guard.stopping, true);
    sem_post(&guard.heard);
    pthread_join(guard.thread, NULL);
    guard.started = false;
}
