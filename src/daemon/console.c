/*
 * console: the daemon's side of the console's commands.
 */
#include "daemon/console.h"

#include <inttypes.h>
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

static void reopen_logs(void *daemon)
{
    module_set_reopen_logs(((struct daemon *)daemon)->modules);
}

static void print_summary(void *daemon, FILE *out)
{
    struct daemon *d = daemon;
    summary_print(&d->summary, d->server, d->queues, out);
}

static void reset_summary(void *daemon)
{
    struct daemon *d = daemon;
    summary_reset(&d->summary, d->server, d->queues);
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

static void print_queue(struct pool *pool, const char *name, FILE *out)
{
    struct pool_counts counts = {0};
    if (pool)
        pool_count(pool, &counts);
    fprintf(out, "Jobs in the %s pool\n%u jobs\n", name, counts.queued);
}

static void print_threads(void *daemon, const char *queue, FILE *out)
{
    struct pool_set *pools = threads_pools(((struct daemon *)daemon)->threads);
    if (queue) {
        print_queue(pool_set_find(pools, queue), queue, out);
        return;
    }
    for (struct pool *pool = NULL; (pool = pool_set_next(pools, pool));)
        print_pool(pool, out);
}

/* ---- modules --------------------------------------------------------------------------------- */

static void print_module(const struct module_facts *facts, void *out)
{
    fprintf(out, "Module: %s%s%s\n", facts->name, *facts->instance ? ":" : "", facts->instance);
    fprintf(out, "  Scope_Name: %s\n", facts->name);
    if (*facts->instance)
        fprintf(out, "  Instance_Name: %s\n", facts->instance);
    fprintf(out, "  Enabled: enabled\n  API: %s\n  Name: %s\n  Description: %s\n", facts->api, facts->name,
            facts->description);
}

static void print_modules(void *daemon, FILE *out)
{
    module_set_list(((struct daemon *)daemon)->modules, print_module, out);
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
        .shutdown = shutdown,
        .reopen_logs = reopen_logs,
        .summary = print_summary,
        .summary_reset = reset_summary,
        .threads = print_threads,
        .modules = print_modules,
        .log_authentication = log_authentication,
        .log_authorization = log_authorization,
    };
    return control_create(&d->loop, &upper);
}
