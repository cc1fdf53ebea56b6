/*
 * metric_private.h: what the registry (metric.c) and its printer (metric_text.c) share.
 */
#ifndef IMPULSE_METRICS_METRIC_PRIVATE_H
#define IMPULSE_METRICS_METRIC_PRIVATE_H

#include <stdatomic.h>
#include "base/list.h"
#include "metrics/metric.h"

struct metric_reader { /* one owner of a series, and how it computes the value */
    struct list_node link;
    const void *owner; /* its key */
    double (*read)(void *closure);
    void *closure;
    void (*release)(void *closure);
};

struct metric {
    struct list_node link; /* in family->series */
    struct metric_family *family;
    enum metric_kind kind;
    uint32_t cell;        /* the first of them: a histogram has one for each bucket, then the sum */
    size_t bound_count;   /* of family->bounds */
    const double *bounds; /* family->bounds: not reached through the family, whose list others change */
    _Atomic uint64_t set; /* a gauge's, as cell_bits: what metric_set said */
    _Atomic bool complained;
    char *labels;        /* rendered: `a="x",b="y"` */
    struct list readers; /* struct metric_reader, the last to come first */
};

struct metric_family { /* all series of one name */
    struct list_node link;
    char *name, *help, *owner; /* help as it is printed */
    enum metric_kind kind;
    double *bounds;
    size_t bound_count;
    void *tree; /* of struct metric by labels, for tsearch */
    struct list series;
    size_t series_count; /* without the overflow */
    struct metric *overflow;
};

/* Guard families and series. The lock is held while read functions run, which therefore cannot register. */
void metric_lock(void);
void metric_unlock(void);

/* Under the lock: the first family whose name is greater than `after` (NULL: of all), or NULL. */
struct metric_family *metric_family_after(const char *after);
/* Under the lock. */
double metric_compute(const struct metric *metric);

#endif
