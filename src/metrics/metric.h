/*
 * metric: counters, gauges and histograms, by name and labels, as Prometheus has them.
 *
 * Whoever owns a number registers it and gets a handle, a series. Counting stores into memory of the calling
 * thread alone (metric_cells.h): no lock and no contended cache line. Reading sums over the threads.
 *
 * Bounds: METRIC_SERIES_MAX series of one metric, metric_max_series of all (metric_limit_series). What is
 * registered beyond them gets the metric's overflow series, whose only label is overflow="true", and the
 * paniclog says so once for each metric. A metric beyond METRIC_NAMES_MAX is refused. The core's own always find
 * room.
 */
#ifndef IMPULSE_METRICS_METRIC_H
#define IMPULSE_METRICS_METRIC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

struct metric; /* one series: a name and the values of its labels */

enum metric_kind { METRIC_COUNTER, METRIC_GAUGE, METRIC_HISTOGRAM };

enum {
    METRIC_SERIES_MAX = 1000,    /* of one metric */
    METRIC_NAMES_MAX = 2000,     /* metrics */
    METRIC_LABELS_MAX = 10,      /* of one series */
    METRIC_LABEL_SIZE_MAX = 128, /* bytes of a label's value; what is longer is cut */
    METRIC_BOUNDS_MAX = 100,     /* buckets of a histogram, without the last one */
};

struct metric_definition { /* borrowed for the call */
    enum metric_kind kind;
    const char *name;          /* [a-zA-Z_:][a-zA-Z0-9_:]* */
    const char *help;          /* one line */
    const char *const *labels; /* name, value, name, value, ..., NULL; NULL: none */
    /* METRIC_HISTOGRAM: upper bounds of the buckets, ascending; the last bucket has none. All series of a
     * metric have the same. */
    const double *bounds;
    size_t bound_count;
    /* Not METRIC_HISTOGRAM: computes the value when it is read, on the reader's thread, with `closure`. Must
     * not block; what it registers is refused. NULL: the value is counted. */
    double (*read)(void *closure);
    void *closure;
    void (*release)(void *closure); /* NULL or: the owner has ended, or registered the series again */
};

/* Who registers: an address that is its own, and what paniclog lines call it ("core", "module NAME"). */
struct metric_owner {
    const void *key;
    const char *name;
};

/*
 * Registers a series, or finds the one of that name and these labels, which then has one more owner. An owner
 * that asks twice is counted once. A series ends with its last owner, so that a counter keeps its value when
 * the next generation registers it before the last one ends. Of several owners that compute a value, the one
 * that came last is asked.
 *
 * NULL with one line in error[]: not a name, or the metric has another kind, other bounds, or an owner of
 * another name; or there is no room at all. All functions below take NULL and then do nothing. Any thread;
 * takes a lock, so keep the result.
 */
struct metric *metric_register(const struct metric_owner *owner, const struct metric_definition *definition,
                               char *error, size_t error_size);
/* Ends what the owner of that key has registered; it uses none of it any more. After this returns, none of
 * its read functions runs. Not from a read function. Any thread. */
void metric_owner_end(const void *key);

/* The core's own: registers for an owner that never ends; a mistake ends the process. */
struct metric *metric_core(const struct metric_definition *definition);
/* A series with one label. */
struct metric *metric_core_labelled(const struct metric_definition *definition, const char *label,
                                    const char *value);
/* Such a series of each of `count` definitions, all read with `closure`, which lives as long as the process. */
void metric_core_read(const struct metric_definition *definitions, size_t count, void *closure,
                      const char *label, const char *value);

/* ---- counting: any thread, no lock ------------------------------------------------------------------- */

void metric_add(struct metric *counter, uint64_t number);
/* A gauge is changed by these two or set by the third; not both. */
void metric_raise(struct metric *gauge, double number);
void metric_lower(struct metric *gauge, double number);
void metric_set(struct metric *gauge, double value);
void metric_observe(struct metric *histogram, double value);

/* ---- the number of series: any thread, no lock -------------------------------------------------------- */

/* Sets how many series all metrics may have; 10,000 until then. The core's always find room. */
void metric_limit_series(uint64_t limit);
uint64_t metric_series_used(void);
/* How often a series beyond a bound was asked for. */
uint64_t metric_series_refused(void);

/* ---- reading: any thread, takes a lock --------------------------------------------------------------- */

/* As of no single moment: other threads count meanwhile. */
uint64_t metric_count(const struct metric *counter);
double metric_value(const struct metric *gauge);

/*
 * Prints the metrics whose names begin with `prefix` ("": all), in order of their names, in Prometheus' text
 * format 0.0.4. Returns how many metrics there were. The lock is held for one metric at a time.
 */
size_t metric_print(FILE *out, const char *prefix);

#endif
