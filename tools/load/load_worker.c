/*
 * A thread of impulse-load: its loop, its share of the clients, and the numbers and times of messages.
 *
 * At a fixed rate the k-th message of worker w of n is due at start + (k * n + w) / rate, whatever became of
 * the ones before. A message that finds no free connection waits, and its latency counts from when it was
 * due: a stall of the server shows in all messages that it delayed, not only in those that were under way
 * ("coordinated omission").
 */
#include <errno.h>
#include <string.h>
#include <sys/timerfd.h>
#include <unistd.h>
#include "base/clock.h"
#include "base/mem.h"
#include "base/thread.h"
#include "tools/load/ledger.h"
#include "tools/load/load.h"

enum { TICK = 100 };

/* ---- numbers and times ------------------------------------------------------------------------- */

/* Returns when the worker's next message is due at a fixed rate. */
static uint64_t next_due(const struct load_worker *worker)
{
    const struct load *load = worker->load;
    double place = (double)worker->paced * (double)load->settings.threads + worker->index;
    return load->started + (uint64_t)(place / load->settings.rate * 1e6);
}

static bool is_over(const struct load *load, uint64_t now)
{
    return atomic_load_explicit(&load->stop, memory_order_relaxed) || now >= load->ends;
}

static bool numbers_left(const struct load *load)
{
    return !load->settings.messages ||
           atomic_load_explicit(&load->numbers, memory_order_relaxed) < load->settings.messages;
}

/* Returns true if no more messages are to be begun, even if the time is not over. */
static bool is_done_at(const struct load_worker *worker, uint64_t now)
{
    const struct load *load = worker->load;
    return is_over(load, now) || !numbers_left(load) ||
           (load->settings.rate > 0 && next_due(worker) >= load->ends);
}

bool worker_is_done(const struct load_worker *worker)
{
    return is_done_at(worker, clock_mono_us());
}

enum load_grant worker_take(struct load_worker *worker, uint64_t *number, uint64_t *due)
{
    struct load *load = worker->load;
    uint64_t now = clock_mono_us();
    *due = load->settings.rate > 0 ? next_due(worker) : now;
    if (is_done_at(worker, now))
        return GRANT_NONE;
    if (*due > now)
        return GRANT_LATER;
    *number = atomic_fetch_add_explicit(&load->numbers, 1, memory_order_relaxed) + 1;
    if (load->settings.messages && *number > load->settings.messages)
        return GRANT_NONE;
    worker->paced++;
    return GRANT_NOW;
}

void worker_await_due(struct load_worker *worker)
{
    if (worker->armed) /* for this message, or for one before it, which brings it here again */
        return;
    worker->armed = true;
    uint64_t due = next_due(worker), now = clock_mono_us(), wait = due > now ? due - now : 1;
    struct itimerspec at = {
        .it_value = {.tv_sec = (time_t)(wait / 1000000), .tv_nsec = (long)(wait % 1000000) * 1000}};
    timerfd_settime(worker->pace_fd, 0, &at, NULL);
}

/* Gives idle clients what has become due, or lets them end. */
static void serve_idle(struct load_worker *worker)
{
    bool done = worker_is_done(worker);
    while (!list_empty(&worker->idle) && (done || next_due(worker) <= clock_mono_us())) {
        struct list_node *node = list_pop(&worker->idle);
        client_go_on(container_of(node, struct client, node));
    }
    if (!list_empty(&worker->idle))
        worker_await_due(worker);
}

/* ---- counts ------------------------------------------------------------------------------------ */

void worker_measure(struct load_worker *worker, enum load_phase phase, uint64_t since)
{
    uint64_t took = clock_mono_us() - since;
    histogram_add(&worker->phases[phase], took);
    if (phase == PHASE_MESSAGE)
        histogram_add(&worker->recent, took);
}

void worker_complain(struct load_worker *worker, const char *what, struct slice text)
{
    struct buf line = {0};
    char copy[COMPLAINT_TEXT];
    buf_printf(&line, "%s: ", what);
    buf_append_slice(&line, text);
    slice_copy_printable(copy, sizeof copy, buf_slice(&line));
    buf_release(&line);
    load_count_complaint(worker->complaints, copy, 1);
}

void worker_give_up(struct load_worker *worker, const char *why)
{
    atomic_store(&worker->load->hopeless, why);
    atomic_store(&worker->load->stop, true);
}

void worker_write_lines(struct load_worker *worker)
{
    if (worker->load->ledger >= 0 && !ledger_write(worker->load->ledger, &worker->lines))
        worker_give_up(worker, "the ledger cannot be written");
}

/* ---- the thread -------------------------------------------------------------------------------- */

void worker_client_ended(struct load_worker *worker)
{
    if (--worker->clients_left > 0)
        return;
    uv_close((uv_handle_t *)&worker->tick, NULL);
    uv_close((uv_handle_t *)&worker->pace, NULL);
    uv_close((uv_handle_t *)&worker->wake, NULL);
}

static void on_tick(uv_timer_t *timer)
{
    struct load_worker *worker = timer->data;
    uint64_t now = clock_mono_us();
    serve_idle(worker);
    for (size_t i = 0; i < worker->client_count; i++)
        client_tick(&worker->clients[i], now);
    worker_write_lines(worker);
    if (++worker->ticks * TICK >= 1000) {
        atomic_store_explicit(&worker->recent_p99, histogram_percentile(&worker->recent, 99),
                              memory_order_relaxed);
        worker->recent = (struct histogram){0};
        worker->ticks = 0;
    }
}

static void on_pace(uv_poll_t *poll, int status, int events)
{
    struct load_worker *worker = poll->data;
    uint64_t expirations;
    (void)status, (void)events;
    if (read(worker->pace_fd, &expirations, sizeof expirations) != sizeof expirations)
        return;
    worker->armed = false;
    serve_idle(worker);
}

static void on_wake(uv_async_t *async)
{
    serve_idle(async->data);
}

static void *run_thread(void *argument)
{
    struct load_worker *worker = argument;
    for (size_t i = 0; i < worker->client_count; i++)
        client_connect(&worker->clients[i]);
    uv_run(&worker->loop, UV_RUN_DEFAULT);
    worker->ended = clock_mono_us();
    uv_loop_close(&worker->loop);
    worker_write_lines(worker);
    buf_release(&worker->lines);
    for (size_t i = 0; i < worker->client_count; i++)
        client_release(&worker->clients[i]);
    free(worker->clients);
    close(worker->pace_fd);
    atomic_fetch_sub(&worker->load->workers_left, 1);
    return NULL;
}

const char *worker_start(struct load *load, unsigned index)
{
    const struct load_settings *settings = &load->settings;
    struct load_worker *worker = &load->workers[index];
    worker->load = load;
    worker->index = index;
    list_init(&worker->idle);
    worker->client_count = worker->clients_left =
        settings->connections / settings->threads + (index < settings->connections % settings->threads);
    worker->clients = mem_array(worker->client_count, sizeof *worker->clients);
    for (size_t i = 0; i < worker->client_count; i++)
        client_init(&worker->clients[i], worker, i * settings->threads + index);
    worker->pace_fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    if (worker->pace_fd < 0)
        return strerror(errno);
    int failed = uv_loop_init(&worker->loop);
    if (failed)
        return uv_strerror(failed);
    uv_async_init(&worker->loop, &worker->wake, on_wake);
    uv_timer_init(&worker->loop, &worker->tick);
    uv_poll_init(&worker->loop, &worker->pace, worker->pace_fd);
    worker->wake.data = worker->tick.data = worker->pace.data = worker;
    uv_timer_start(&worker->tick, on_tick, TICK, TICK);
    uv_poll_start(&worker->pace, UV_READABLE, on_pace);
    atomic_fetch_add(&load->workers_left, 1);
    failed = thread_start(&worker->thread, "load", 0, run_thread, worker);
    return failed ? strerror(-failed) : NULL;
}
