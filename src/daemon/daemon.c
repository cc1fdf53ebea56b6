/*
 * daemon: start, reload, drain.
 *
 * The main thread runs a libuv loop of its own for signals, a tick a second and the words "drained" that come
 * from other threads. The order of start is: configuration, sockets (root may be needed), background,
 * pidfile, dropping root, spool, modules, recovery, loops. The end goes the other way: no more connections,
 * no more sessions, no more deliveries, loops, spool, logs.
 */
#include "daemon/daemon.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "config.h"
#include "daemon/budget_limits.h"
#include "daemon/console.h"
#include "daemon/console_spool.h"
#include "daemon/daemon_metrics.h"
#include "daemon/daemon_private.h"
#include "daemon/daemon_settings.h"
#include "daemon/file_shares.h"
#include "daemon/forced_end.h"
#include "daemon/process.h"
#include "daemon/readable.h"
#include "daemon/reload.h"
#include "daemon/watchdog.h"
#include "log/paniclog.h"
#include "log/writer.h"
#include "daemon/memory_trim.h"
#include "metrics/budget.h"
#include "metrics/memory_guard.h"
#include "policy/host_name.h"
#include "sdk/sdk_inject.h"
#include "sdk/sdk_queue.h"
#include "sdk/sdk_command.h"
#include "sdk/sdk_dns.h"
#include "sdk/sdk_loop.h"
#include "sdk/sdk_listener.h"

enum {
    SESSIONS_DRAIN_MS = 30 * 1000,   /* how long sessions may finish a message at SIGTERM */
    DELIVERIES_DRAIN_MS = 30 * 1000, /* and then deliveries in flight */
    TICK_MS = 1000,
};

static void begin_end(void *daemon);

/* ---- start ----------------------------------------------------------------------------------- */

static void accept_envelope(void *upper, struct envelope *envelope)
{
    queue_accept(upper, envelope);
}

static const char *check_recipient(void *upper, struct slice binding, struct slice domain)
{
    return queue_settings_find(upper, binding, domain)->blackhole == BLACKHOLE_INLINE
               ? "551 5.7.1 recipient blackholed"
               : NULL;
}

static void take_recovered(struct envelope *envelope, void *queues)
{
    queue_accept(queues, envelope);
}

static struct loop_group *find_loops(void *threads, const char *name)
{
    return threads_loops(threads, name);
}

/* The main thread's loop: modules can post to it and have timers on it as on any other. */
static bool adopt_main_loop(struct daemon *d, char *error, size_t error_size)
{
    d->main = loop_group_create("main", 1);
    if (!d->main) {
        snprintf(error, error_size, "cannot make the main event loop: %s", strerror(errno));
        return false;
    }
    loop_adopt(loop_group_at(d->main, 0));
    d->loop = loop_uv(loop_group_at(d->main, 0));
    return true;
}

/* What modules find of the loops, and their resolvers, which deliveries share. */
static void show_loops(struct daemon *d)
{
    unsigned count;
    struct loop **loops = threads_all_loops(d->threads, loop_group_at(d->main, 0), &count);
    struct resolver_settings settings;
    resolver_settings_fill(&settings, d->conf);
    sdk_loops_create(loops, count);
    d->resolvers = resolvers_create(loops, count, &settings);
    sdk_dns_set_resolvers(d->resolvers);
    free(loops);
}

/* Sockets, background, pidfile, identity: what needs root, and giving it up. */
static bool become_daemon(struct daemon *d, char *error, size_t error_size)
{
    struct process_identity identity;
    struct daemon_settings settings;
    struct spool_settings spool;
    daemon_settings_fill(&settings, d->conf);
    spool_settings_fill(&spool, d->conf);
    if (!process_identity_resolve(d->conf, &identity, error, error_size))
        return false;
    if (!d->arguments->foreground && process_background() < 0) {
        snprintf(error, error_size, "cannot go to the background");
        return false;
    }
    file_limit_set(d->conf);
    if (!adopt_main_loop(d, error, error_size))
        return false;
    d->control = console_create(d, begin_end);
    d->threads = threads_create(d->conf, error, error_size);
    if (!d->threads)
        return false;
    sdk_command_set_loops(find_loops, d->threads);
    show_loops(d);
    d->listens = listens_create();
    if (!d->arguments->skip_esmtp &&
        !listens_open(d->listens, d->conf, threads_pools(d->threads), error, error_size))
        return false;
    if (!control_open(d->control, d->conf, identity.uid, identity.gid, error, error_size))
        return false;
    return process_pidfile(settings.pidfile->text, error, error_size) &&
           process_prepare_directory(spool.directory, &identity, error, error_size) &&
           process_drop_root(&identity, error, error_size);
}

/* They wait while the main loop does not run: a second SIGTERM does not cut the end short. Threads inherit
 * it. */
static void mask_signals(int how)
{
    static const int masked[] = {SIGTERM, SIGINT, SIGHUP};
    sigset_t set;
    sigemptyset(&set);
    for (size_t i = 0; i < sizeof masked / sizeof *masked; i++)
        sigaddset(&set, masked[i]);
    pthread_sigmask(how, &set, NULL);
}

static bool check_resolver(const struct daemon *d, char *error, size_t error_size)
{
    struct resolver_settings settings;
    resolver_settings_fill(&settings, d->conf);
    return (!settings.resolv_conf && !settings.trust_anchor) || resolver_check(&settings, error, error_size);
}

static bool open_spool(struct daemon *d, char *error, size_t error_size)
{
    struct spool_settings settings = {.reserve_bytes = SPOOL_LEAST_RESERVE};
    spool_settings_fill(&settings, d->conf);
    d->spool = spool_open(&settings, error, error_size);
    console_spool_use(d->spool, threads_pools(d->threads));
    return d->spool != NULL;
}

static struct queue_dependencies dependencies_of(struct daemon *d)
{
    struct daemon_settings settings;
    daemon_settings_fill(&settings, d->conf);
    return (struct queue_dependencies){
        .loops = threads_loops(d->threads,
                               settings.delivery_pool ? settings.delivery_pool : settings.maintainer_pool),
        .pools = threads_pools(d->threads),
        .spool = d->spool,
    };
}

static void build_queues(struct daemon *d)
{
    struct queue_dependencies dependencies = dependencies_of(d);
    d->queues = queue_set_create(&dependencies, d->conf, d->modules);
    file_shares_apply(d->conf, d->queues);
    if (!d->arguments->skip_queue)
        d->delivery = delivery_create(d->queues, &dependencies, policy_host_name(d->conf), d->resolvers);
}

static bool recover(struct daemon *d, char *error, size_t error_size)
{
    struct spool_recovered found;
    int result = spool_recover(d->spool, take_recovered, d->queues, &found);
    if (result < 0) {
        snprintf(error, error_size, "cannot read the spool back: %s", strerror(-result));
        return false;
    }
    if (found.envelopes || found.damaged_rows || found.orphan_bodies_removed)
        paniclog(PANIC_NOTICE,
                 "spool: %llu messages recovered, %llu bodies nobody refers to removed, %llu damaged",
                 (unsigned long long)found.envelopes, (unsigned long long)found.orphan_bodies_removed,
                 (unsigned long long)found.damaged_rows);
    if (found.left_out) {
        paniclog(PANIC_CRITICAL,
                 "spool: memory is too small for %llu more messages, which stay in the spool: new messages "
                 "are refused with "
                 "452. Give impulsed more memory, or start it again when what it has is delivered",
                 (unsigned long long)found.left_out);
        memory_guard_refuse();
    }
    return true;
}

static bool build_server(struct daemon *d, char *error, size_t error_size)
{
    struct smtp_upper upper = {accept_envelope, check_recipient, d->queues};
    d->server = smtp_server_create(d->spool, threads_pools(d->threads), &upper);
    struct smtp_generation *generation = smtp_generation_create(d->conf, d->modules, error, error_size);
    if (!generation)
        return false;
    if (!listens_have_modules(d->conf, d->modules, error, error_size)) {
        smtp_generation_unref(generation);
        return false;
    }
    listens_attach(d->listens, d->server, d->threads);
    listens_use_modules(d->listens, d->conf, d->modules);
    smtp_server_set_generation(d->server, generation);
    smtp_generation_unref(generation);
    return true;
}

static bool start(struct daemon *d, char *error, size_t error_size)
{
    if (!become_daemon(d, error, error_size))
        return false;
    mask_signals(SIG_BLOCK);
    if (!check_resolver(d, error, error_size) || !open_spool(d, error, error_size))
        return false;
    if (log_writer_start() < 0) {
        snprintf(error, error_size, "cannot start the log writer");
        return false;
    }
    budgets_register();
    memory_guard_register();
    budget_limits_apply(d->conf);
    file_shares_check(d->conf);
    d->modules = module_set_load(d->conf, d->loading.manifests, threads_pools(d->threads), error, error_size);
    if (!d->modules)
        return false;
    build_queues(d);
    if (!recover(d, error, error_size) || !build_server(d, error, error_size))
        return false;
    if (!threads_start(d->threads)) {
        snprintf(error, error_size, "cannot start the event loops");
        return false;
    }
    sdk_queue_open(d->queues, threads_pools(d->threads));
    module_set_tick(d->modules);
    listens_start(d->listens);
    control_start(d->control);
    daemon_metrics_register(threads_pools(d->threads), d->spool);
    struct queue_dependencies dependencies = dependencies_of(d);
    sdk_inject_open(d->queues, &dependencies, policy_host_name(d->conf)); /* ids are known from here on */
    summary_start(&d->summary);
    return true;
}

/* ---- the end --------------------------------------------------------------------------------- */

/* From a loop's thread to the main one. */
static void send_drained(void *async)
{
    uv_async_send(async);
}

static void next_phase(struct daemon *d);

static void on_bound(uv_timer_t *timer)
{
    struct daemon *d = timer->data;
    if (d->phase == DRAINING_SESSIONS) {
        paniclog(PANIC_WARNING, "%llu sessions did not finish in time and are closed",
                 (unsigned long long)smtp_server_sessions(d->server));
        smtp_server_abort(d->server);
    } else {
        paniclog(PANIC_WARNING,
                 "deliveries in flight did not finish in time; they are tried again after the start");
    }
    next_phase(d);
}

/* A word that comes after its phase was given up says nothing any more. */
static void on_drained(uv_async_t *async)
{
    struct daemon *d = async->data;
    if (d->phase == (async == &d->sessions_drained ? DRAINING_SESSIONS : DRAINING_QUEUE))
        next_phase(d);
}

static void next_phase(struct daemon *d)
{
    d->phase++;
    switch (d->phase) {
    case DRAINING_SESSIONS:
        process_stopping();
        module_set_tell(d->modules, POINT_SHUTDOWN, &(struct hook_moment){0});
        listens_close(d->listens);
        sdk_listener_end();
        control_close(d->control);
        uv_timer_start(&d->bound, on_bound, SESSIONS_DRAIN_MS, 0);
        smtp_server_drain(d->server, send_drained, &d->sessions_drained);
        break;
    case DRAINING_QUEUE:
        uv_timer_start(&d->bound, on_bound, DELIVERIES_DRAIN_MS, 0);
        queue_set_drain(d->queues, send_drained, &d->queue_drained);
        break;
    default:
        uv_stop(d->loop);
        break;
    }
}

static void begin_end(void *daemon)
{
    struct daemon *d = daemon;
    if (d->phase != RUNNING)
        return;
    forced_end_begun();
    next_phase(d);
}

static void on_to_end(uv_async_t *async)
{
    begin_end(async->data);
}

static void on_hangup(uv_signal_t *signal, int number)
{
    (void)number;
    reload_on_signal(signal->data);
}

static void on_tick(uv_timer_t *timer)
{
    struct daemon *d = timer->data;
    loop_doing("the tick of the main thread");
    log_writer_look();
    module_set_tick(d->modules);
    certificates_tick(&d->certificates, threads_pools(d->threads));
    memory_guard_look();
    memory_trim_tick(threads_pools(d->threads));
}

static void send_to_end(void *async)
{
    uv_async_send(async);
}

/* Without a thread for it the daemon runs all the same. */
static void watch_loops(struct daemon *d)
{
    unsigned count;
    struct loop **loops = threads_all_loops(d->threads, loop_group_at(d->main, 0), &count);
    if (!watchdog_start(loops, count))
        paniclog(PANIC_WARNING, "no thread can be started that watches the event loops");
    free(loops);
}

/* False when the system refuses a thread. */
static bool begin_main_loop(struct daemon *d)
{
    uv_signal_init(d->loop, &d->hangup);
    uv_signal_start(&d->hangup, on_hangup, SIGHUP);
    uv_timer_init(d->loop, &d->tick);
    uv_timer_init(d->loop, &d->bound);
    uv_async_init(d->loop, &d->to_end, on_to_end);
    uv_async_init(d->loop, &d->sessions_drained, on_drained);
    uv_async_init(d->loop, &d->queue_drained, on_drained);
    d->hangup.data = d->tick.data = d->bound.data = d->to_end.data = d;
    d->sessions_drained.data = d->queue_drained.data = d;
    uv_timer_start(&d->tick, on_tick, TICK_MS, TICK_MS);
    bool heard = forced_end_start(&(struct forced_end_parts){.threads = d->threads,
                                                             .spool = d->spool,
                                                             .queues = d->queues,
                                                             .server = d->server,
                                                             .begin_end = send_to_end,
                                                             .closure = &d->to_end});
    watch_loops(d);
    mask_signals(SIG_UNBLOCK);
    return heard;
}

/* Taking the daemon apart still turns the loop: no tick and no reload may run meanwhile. */
static void silence_main_loop(struct daemon *d)
{
    watchdog_stop();
    mask_signals(SIG_BLOCK); /* once it is stopped, SIGHUP has its default action, which ends the process */
    uv_signal_stop(&d->hangup);
    uv_timer_stop(&d->tick);
    uv_timer_stop(&d->bound);
}

/* Closes what begin_main_loop opened. */
static void close_handles(struct daemon *d)
{
    uv_close((uv_handle_t *)&d->hangup, NULL);
    uv_close((uv_handle_t *)&d->tick, NULL);
    uv_close((uv_handle_t *)&d->bound, NULL);
    uv_close((uv_handle_t *)&d->to_end, NULL);
    uv_close((uv_handle_t *)&d->sessions_drained, NULL);
    uv_close((uv_handle_t *)&d->queue_drained, NULL);
}

/* Nobody signals the loop any more. What is left of the console are answers on their way. */
static void end_main_loop(struct daemon *d)
{
    control_close(d->control);
    uv_run(d->loop, UV_RUN_DEFAULT);
    control_free(d->control);
    loop_group_free(d->main);
}

/* Takes apart what was built, in reverse; parts that were never built are NULL. */
static void take_down(struct daemon *d)
{
    if (d->listens)
        listens_free(d->listens);
    if (d->phase == ENDED) {
        control_cancel(d->control);
        threads_rest(d->threads, forced_end);
    }
    sdk_queue_close();
    sdk_inject_close();
    if (d->threads)
        threads_stop(d->threads);
    if (d->control)
        control_collect(d->control); /* commands that pools and loops have finished since */
    if (d->delivery)
        delivery_free(d->delivery); /* waits for pool threads that read from the spool */
    resolvers_free(d->resolvers);
    forced_end_forget();
    if (d->queues)
        queue_set_free(d->queues);
    if (d->spool)
        spool_close(d->spool);
    if (d->server)
        smtp_server_free(d->server);
    if (d->threads)
        threads_free(d->threads);
    sdk_loops_finish();
    if (d->modules) {
        module_set_unref(d->modules);
        module_set_tick(NULL);
    }
    sdk_loops_free();
    forced_end_stop();
    log_writer_stop();
    conf_unref(d->conf);
    process_pidfile_remove();
}

/*
 * What a start would find missing on this machine. Accounts are looked at by root only, who alone could
 * change, and becomes the one that would run to see what that can read.
 */
static bool check_machine(struct conf *conf, const struct manifest_set *manifests, char *error,
                          size_t error_size)
{
    struct process_identity identity = {.change = false};
    if (!module_set_check(conf, manifests, error, error_size) ||
        (geteuid() == 0 && !process_identity_resolve(conf, &identity, error, error_size)))
        return false;
    struct smtp_generation *policies = smtp_generation_create(conf, NULL, error, error_size);
    smtp_generation_unref(policies);
    if (!policies || !process_drop_root(&identity, error, error_size))
        return false;
    if (identity.change)
        readable_check(conf, identity.name);
    return true;
}

/* What parts of the daemon say to the paniclog while they are tried: as the rest of a check, without a time.
 */
static void print_said(enum panic_level level, const char *line, size_t size, void *closure)
{
    (void)level;
    (void)closure;
    size_t stamp = strcspn(line, " ") + 1;
    fprintf(stderr, "impulsed: %.*s\n", (int)(size - stamp), line + stamp);
}

int daemon_check(const struct arguments *arguments)
{
    char error[512] = "";
    struct loading loading;
    struct conf *conf = NULL;
    paniclog_add_sink(print_said, NULL);
    paniclog_set_stderr(false);
    if (loading_begin(&loading, arguments, error, sizeof error))
        conf = load_configuration(&loading, arguments->config, CONF_NOTE, error, sizeof error);
    int status = conf && check_machine(conf, loading.manifests, error, sizeof error) ? 0 : 1;
    if (status == 0)
        fprintf(stderr, "impulsed: %s is correct\n", arguments->config);
    else if (error[0])
        fprintf(stderr, "impulsed: %s\n", error);
    conf_unref(conf);
    loading_end(&loading);
    paniclog_remove_sink(print_said, NULL);
    return status;
}

int daemon_run(const struct arguments *arguments)
{
    struct daemon d = {.arguments = arguments};
    char error[512] = "";
    signal(SIGPIPE, SIG_IGN);
    if (loading_begin(&d.loading, arguments, error, sizeof error))
        d.conf = load_configuration(&d.loading, arguments->config, CONF_WARNING, error, sizeof error);
    bool started = d.conf && start(&d, error, sizeof error);
    if (started) {
        if (!begin_main_loop(&d)) {
            paniclog(PANIC_CRITICAL, "no thread can be started that hears SIGTERM: impulsed ends");
            begin_end(&d);
        }
        process_ready();
        size_t sockets = listens_count(d.listens) + control_count(d.control);
        paniclog(PANIC_NOTICE, "impulsed %s started, %zu socket%s", PACKAGE_VERSION, sockets,
                 sockets == 1 ? "" : "s");
        uv_run(d.loop, UV_RUN_DEFAULT);
        paniclog(PANIC_NOTICE, "impulsed stopped");
    } else if (error[0]) {
        paniclog(PANIC_CRITICAL, "impulsed does not start: %s", error);
    }
    if (started)
        silence_main_loop(&d);
    take_down(&d);
    if (started)
        close_handles(&d); /* after all threads, because they may still send to these handles */
    if (d.main)
        end_main_loop(&d);
    loading_end(&d.loading);
    return started ? 0 : 1;
}
