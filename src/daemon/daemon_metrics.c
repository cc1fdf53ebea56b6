/*
 * daemon_metrics: metrics of the folders that stand below metrics/, and of the process.
 */
#include "daemon/daemon_metrics.h"

#include "base/clock.h"
#include "config.h"
#include "log/writer.h"
#include "message/body.h"
#include "net/connection_accept.h"
#include "metrics/metric.h"

/* ---- pools ------------------------------------------------------------------------------------------- */

static double pool_jobs(void *pool)
{
    struct pool_counts counts;
    pool_count(pool, &counts);
    return (double)counts.jobs;
}

static double pool_busy_seconds(void *pool)
{
    struct pool_counts counts;
    pool_count(pool, &counts);
    return (double)counts.busy_us / 1e6;
}

static double pool_queued(void *pool)
{
    struct pool_counts counts;
    pool_count(pool, &counts);
    return counts.queued;
}

static double pool_busy(void *pool)
{
    struct pool_counts counts;
    pool_count(pool, &counts);
    return counts.busy;
}

static double pool_threads(void *pool)
{
    return pool_concurrency(pool);
}

static void register_pool(struct pool *pool)
{
    const struct metric_definition rows[] = {
        {.name = "impulse_pool_jobs_total",
         .help = "Jobs that a thread pool has finished",
         .read = pool_jobs},
        {.name = "impulse_pool_busy_seconds_total",
         .help = "Time that the jobs of a thread pool took",
         .read = pool_busy_seconds},
        {.kind = METRIC_GAUGE,
         .name = "impulse_pool_queued_jobs",
         .help = "Jobs that wait for a thread of the pool",
         .read = pool_queued},
        {.kind = METRIC_GAUGE,
         .name = "impulse_pool_busy_threads",
         .help = "Threads of the pool that work",
         .read = pool_busy},
        {.kind = METRIC_GAUGE,
         .name = "impulse_pool_threads",
         .help = "Threads that the pool may have",
         .read = pool_threads},
    };
    metric_core_read(rows, sizeof rows / sizeof *rows, pool, "pool", pool_name(pool));
}

/* ---- the rest ---------------------------------------------------------------------------------------- */

static double uptime_seconds(void *started)
{
    return (double)(clock_mono_ms() - *(uint64_t *)started) / 1000;
}

static double content_bytes(void *unused)
{
    (void)unused;
    return (double)body_resident_bytes();
}

static double log_bytes(void *unused)
{
    (void)unused;
    return (double)log_writer_waiting();
}

static double accept_failures(void *unused)
{
    (void)unused;
    return (double)connection_accept_failures();
}

static double log_lost(void *unused)
{
    (void)unused;
    return (double)log_writer_lost();
}

static double one(void *unused)
{
    (void)unused;
    return 1;
}

static double spool_room(void *spool)
{
    return (double)spool_free_bytes(spool);
}

static void gauge(const char *name, const char *help, double (*read)(void *closure), void *closure)
{
    metric_core(&(struct metric_definition){
        .kind = METRIC_GAUGE,
        .name = name,
        .help = help,
        .read = read,
        .closure = closure,
    });
}

void daemon_metrics_register(struct pool_set *pools, struct spool *spool)
{
    static uint64_t started;
    started = clock_mono_ms();
    gauge("impulse_uptime_seconds", "Time since the start", uptime_seconds, &started);
    gauge("impulse_content_bytes", "Content of messages that is in memory", content_bytes, NULL);
    gauge("impulse_log_waiting_bytes", "Lines of log files that wait to be written", log_bytes, NULL);
    metric_core(&(struct metric_definition){
        .kind = METRIC_COUNTER,
        .name = "impulse_log_lost_lines_total",
        .help = "Lines of log files that were lost because the file took nothing",
        .read = log_lost,
    });
    gauge("impulse_spool_free_bytes", "What the spool may still write before its reserve is touched",
          spool_room, spool);
    metric_core(&(struct metric_definition){
        .name = "impulse_accept_failures_total",
        .help = "Connections that could not be accepted because open files or memory were lacking",
        .read = accept_failures,
    });
    metric_core_labelled(&(struct metric_definition){.kind = METRIC_GAUGE,
                                                     .name = "impulse_build_info",
                                                     .help = "Its label says the version",
                                                     .read = one},
                         "version", PACKAGE_VERSION);
    for (struct pool *pool = NULL; (pool = pool_set_next(pools, pool));)
        register_pool(pool);
}
