/*
 * console: what the console asks of the daemon, and the console's commands that are the daemon's. Source:
 * Momentum 4 manual, console commands "threads", "reopen logs", "summary" and "summary reset".
 */
#include "daemon/console.h"

#include <inttypes.h>
#include "control/ctl_command.h"
#include "daemon/console_modules.h"
#include "daemon/console_spool.h"
#include "daemon/reload.h"

static struct conf *running(void *daemon)
{
    return ((struct daemon *)daemon)->conf;
}

static const struct conf_load_options *load_options(void *daemon)
{
    return &((struct daemon *)daemon)->loading.options;
}

static bool reload(void *daemon, const char *path, FILE *out)
{
    return reload_file(daemon, path, out);
}

static bool adopt(void *daemon, struct conf *next, FILE *out)
{
    return reload_adopt(daemon, next, out);
}

static struct daemon *daemon_of(const struct command_call *call)
{
    return call->upper->daemon;
}

static bool run_reopen_logs(struct command_call *call)
{
    module_set_reopen_logs(daemon_of(call)->modules);
    return true;
}

static bool run_summary(struct command_call *call)
{
    struct daemon *d = daemon_of(call);
    summary_print(&d->summary, d->server, d->queues, call->out);
    return true;
}

static bool run_summary_reset(struct command_call *call)
{
    struct daemon *d = daemon_of(call);
    summary_reset(&d->summary, d->server, d->queues);
    fputs("statistics cleared.\n", call->out);
    return true;
}

/* ---- threads --------------------------------------------------------------------------------- */

/* As the manual's example has it: a pool that did nothing yet has one line. */
static void print_pool(struct pool *pool, FILE *out)
{
    struct pool_counts counts;
    pool_count(pool, &counts);
    fprintf(out, "%s thread pool: concurrency %u\n", pool_name(pool), pool_concurrency(pool));
    if (!counts.jobs)
        return;
    double busy = (double)counts.busy_us, lasted = counts.up_us ? (double)counts.up_us : 1;
    fprintf(out, "               Total invocations: %" PRIu64 "\n", counts.jobs);
    fprintf(out, "          Thread pool saturation: %5.2f%%\n",
            pool_concurrency(pool) ? 100 * busy / lasted / pool_concurrency(pool) : 0);
    fprintf(out, "   Average wallclock time per op: %.2fms\n", busy / (double)counts.jobs / 1000);
    fprintf(out, "            Current thread count: %u\n", counts.busy);
    fprintf(out, "                     Queued jobs: %u\n", counts.queued);
    fprintf(out, "  [inactive threads]\n            Current thread count: %u\n", counts.idle);
}

static bool print_queue(struct command_call *call, const char *name)
{
    struct pool_counts counts = {0};
    struct pool *pool = pool_set_find(threads_pools(daemon_of(call)->threads), name);
    if (pool)
        pool_count(pool, &counts);
    fprintf(call->out, "Jobs in the %s pool\n%u jobs\n", name, counts.queued);
    return true;
}

static bool run_io_queue(struct command_call *call)
{
    return print_queue(call, "IO");
}

static bool run_cpu_queue(struct command_call *call)
{
    return print_queue(call, "CPU");
}

static bool run_threads(struct command_call *call)
{
    struct pool_set *pools = threads_pools(daemon_of(call)->threads);
    for (struct pool *pool = NULL; (pool = pool_set_next(pools, pool));)
        print_pool(pool, call->out);
    return true;
}

/* ---- the rows -------------------------------------------------------------------------------- */

static const struct ctl_command table[] = {
    {"reopen logs", "", 0, 0, "closes the log files and opens them anew, after they were renamed",
     .run = run_reopen_logs},
    {"summary", "", 0, 0, "shows connections, queues and messages since the start or the last reset",
     .run = run_summary},
    {"summary reset", "", 0, 0, "makes the counters of summary begin anew", .run = run_summary_reset},
    {"threads", "", 0, 0, "shows the pools of threads", .run = run_threads},
    {"threads cpu queue", "", 0, 0, "shows the jobs that wait for the CPU pool", .run = run_cpu_queue},
    {"threads io queue", "", 0, 0, "shows the jobs that wait for the IO pool", .run = run_io_queue},
    {"threads stats", "", 0, 0, "shows the pools of threads", .run = run_threads},
};

void console_register(void)
{
    ctl_commands_add("the daemon", table, sizeof table / sizeof *table);
    console_modules_register();
    console_spool_register();
}

static const struct registry *commands(void *daemon)
{
    const struct registry *rows = module_set_registry(((struct daemon *)daemon)->modules, MODULE_COMMANDS);
    return rows->count ? rows : NULL;
}

/* ---- log hooks ------------------------------------------------------------------------------- */

static void log_authentication(void *daemon, const struct imp_log_authentication *event)
{
    module_set_log_authentication(((struct daemon *)daemon)->modules, event);
}

static void log_authorization(void *daemon, const struct imp_log_authorization *event)
{
    module_set_log_authorization(((struct daemon *)daemon)->modules, event);
}

struct control *console_create(struct daemon *d, void (*shutdown)(void *daemon))
{
    struct control_upper upper = {
        .daemon = d,
        .running = running,
        .load_options = load_options,
        .reload = reload,
        .adopt = adopt,
        .commands = commands,
        .shutdown = shutdown,
        .log_authentication = log_authentication,
        .log_authorization = log_authorization,
    };
    console_register();
    return control_create(d->loop, &upper);
}
