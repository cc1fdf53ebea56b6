/*
 * impulse/metric.h: counters, gauges and histograms of a module, as Prometheus has them.
 *
 * The console's command `metrics` shows them beside the daemon's own. Counting costs a few nanoseconds on any thread:
 * each thread counts in memory of its own, and whoever reads adds that up.
 *
 *     static struct imp_metric *deferred;
 *
 *     static int setup(struct imp_module *module, const struct imp_config *config)
 *     {
 *         const char *labels[] = {"reason", "unknown", NULL};
 *         deferred = imp_metric_counter(module, &(struct imp_metric_row){
 *                                                   .size = sizeof(struct imp_metric_row),
 *                                                   .name = "greylist_deferred_total",
 *                                                   .help = "Recipients deferred",
 *                                                   .labels = labels,
 *                                               });
 *         return deferred ? 0 : -1;
 *     }
 *     ... in a hook:  imp_metric_add(deferred, 1);
 *
 * Names belong to the module that registered them first; those of the daemon begin with "impulse_". Instances of one
 * module may register the same metric with the same labels, and then count in the same place; labels tell them apart
 * where that is wanted.
 *
 * Bounds: 1,000 combinations of labels for one metric, metric_max_series (10,000) for all metrics. What is registered
 * beyond them is counted together, in the series with the label overflow="true", and the paniclog says so once for each
 * metric. So do not use addresses, domains of recipients or other things that strangers choose as values of labels.
 * There are 2,000 metrics at most; a further name is refused.
 */
#ifndef IMPULSE_METRIC_H
#define IMPULSE_METRIC_H

#include "impulse/module.h"

#ifdef __cplusplus
extern "C" {
#endif

struct imp_metric; /* a name and the values of its labels */

/* What is registered; borrowed for the call. Members that are not set are 0. */
struct imp_metric_row {
    size_t size; /* sizeof(struct imp_metric_row) */
    const char
        *name; /* letters, digits, "_" and ":", no digit first; counters end in "_total" by convention */
    const char *help; /* one line for people; NULL: none */
    const char *const
        *labels; /* name, value, name, value, ..., NULL: at most 10 pairs; NULL: none. Of a value, the
                                  first 128 bytes count; bytes that are not printable UTF-8 become '?' */
    /*
     * Counters and gauges: computes the value whenever somebody reads it, on the reader's thread. It must not block;
     * a metric that it registers is refused. It is not called after the instance's teardown has returned. Where
     * instances of two generations, or several of one, register the same metric, the last one to register is asked.
     * NULL: the value is what was counted or set.
     */
    double (*read)(void *closure);
    void *closure;
    /* Histograms: the upper bounds of the buckets, 1 to 100, ascending; a last bucket without a bound is added. The
     * same for all labels of one name. */
    const double *bounds;
    size_t bound_count;
};

/*
 * Registers a metric, or finds the one of that name and these labels. Any thread, from setup to teardown; takes a
 * lock, so keep the result instead of asking for each message. It is good until the instance's teardown has
 * returned, and owned by the daemon. A metric ends with the last instance that registered it: a counter whose name,
 * kind and labels are the same in the next generation keeps its value over a reload.
 *
 * NULL with a line for imp_module_error (and in the paniclog, after setup): the name or a label is not allowed, the
 * name is another module's or of another kind, the bounds are others or wrong.
 */
IMP_API struct imp_metric *imp_metric_counter(struct imp_module *module, const struct imp_metric_row *row);
IMP_API struct imp_metric *imp_metric_gauge(struct imp_module *module, const struct imp_metric_row *row);
IMP_API struct imp_metric *imp_metric_histogram(struct imp_module *module, const struct imp_metric_row *row);

/*
 * Counting. Any thread, never blocks. NULL does nothing. A metric of another kind than the function is for is left as
 * it is, and the paniclog says so once.
 */
IMP_API void imp_metric_add(struct imp_metric *counter, uint64_t number);
/* Adds to a gauge, or takes from it when negative. A gauge is either changed or set, not both. */
IMP_API void imp_metric_change(struct imp_metric *gauge, double number);
IMP_API void imp_metric_set(struct imp_metric *gauge, double value);
/* Counts `value` (in the unit of the bounds) in its bucket, and adds it to the sum. */
IMP_API void imp_metric_observe(struct imp_metric *histogram, double value);

#ifdef __cplusplus
}
#endif
#endif
