/*
 * sdk_metric: metrics for modules, which are the daemon's under another name.
 */
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/mem.h"
#include "impulse/metric.h"
#include "log/paniclog.h"
#include "metrics/metric.h"
#include "module/set.h"

static struct imp_metric *refuse(struct imp_module *module, const char *error)
{
    snprintf(module->error, sizeof module->error, "%s", error);
    static struct panic_rate said;
    if (!module->in_setup)
        paniclog_rated(&said, PANIC_ERROR, "module %s: %s", module->label, error);
    return NULL;
}

struct metric_callback { /* a module's `read` */
    struct runner runner;
    double (*read)(void *closure);
    void *closure;
};

static double read_named(void *closure)
{
    const struct metric_callback *callback = closure;
    const struct runner *outer = runner_enter(&callback->runner);
    double value = callback->read(callback->closure);
    runner_leave(outer);
    return value;
}

/* NULL: the row has no `read`. */
static struct metric_callback *make_callback(const struct imp_module *module,
                                             const struct imp_metric_row *row)
{
    if (!row->read)
        return NULL;
    struct metric_callback *callback = mem_new(struct metric_callback);
    *callback = (struct metric_callback){
        {module->label, "the read function of its metric", ""}, row->read, row->closure};
    return callback;
}

static struct imp_metric *add(struct imp_module *module, enum metric_kind kind,
                              const struct imp_metric_row *given)
{
    char name[128], error[256];
    struct imp_metric_row row;
    if (!module_copy_struct(&row, sizeof row, given))
        return refuse(module, "the row of a metric has no size");
    if (row.name && strncmp(row.name, "impulse_", 8) == 0)
        return refuse(module, "names of metrics that begin with \"impulse_\" are the daemon's own");
    snprintf(name, sizeof name, "module %s", module->definition->name);
    struct metric_callback *callback = make_callback(module, &row);
    struct metric *metric = metric_register(&(struct metric_owner){module, name},
                                            &(struct metric_definition){
                                                .kind = kind,
                                                .name = row.name,
                                                .help = row.help,
                                                .labels = row.labels,
                                                .bounds = row.bounds,
                                                .bound_count = row.bounds ? row.bound_count : 0,
                                                .read = callback ? read_named : NULL,
                                                .closure = callback,
                                                .release = free,
                                            },
                                            error, sizeof error);
    if (metric)
        return (struct imp_metric *)metric;
    free(callback);
    return refuse(module, error);
}

struct imp_metric *imp_metric_counter(struct imp_module *module, const struct imp_metric_row *row)
{
    return add(module, METRIC_COUNTER, row);
}

struct imp_metric *imp_metric_gauge(struct imp_module *module, const struct imp_metric_row *row)
{
    return add(module, METRIC_GAUGE, row);
}

struct imp_metric *imp_metric_histogram(struct imp_module *module, const struct imp_metric_row *row)
{
    return add(module, METRIC_HISTOGRAM, row);
}

void imp_metric_add(struct imp_metric *counter, uint64_t number)
{
    metric_add((struct metric *)counter, number);
}

void imp_metric_change(struct imp_metric *gauge, double number)
{
    metric_raise((struct metric *)gauge, number);
}

void imp_metric_set(struct imp_metric *gauge, double value)
{
    metric_set((struct metric *)gauge, value);
}

void imp_metric_observe(struct imp_metric *histogram, double value)
{
    metric_observe((struct metric *)histogram, value);
}
