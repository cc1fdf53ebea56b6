/*
 * metric: the registry: families by name, their series by labels, and who owns them.
 */
#include "metrics/metric.h"

#include <math.h>
#include <pthread.h>
#include <search.h>
#include <stdlib.h>
#include <string.h>
#include "base/mem.h"
#include "log/paniclog.h"
#include "metrics/metric_cells.h"
#include "metrics/metric_labels.h"
#include "metrics/metric_private.h"

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static _Thread_local bool locked; /* this thread has the lock */

/* All under the lock. */
static struct list families = {{&families.head, &families.head}}; /* in order of their names */
static size_t family_count;

static const struct metric_owner core = {&core, "core"};

/* Of all metrics, without the overflows. */
static struct {
    _Atomic uint64_t used, limit, refused;
} series = {.limit = 10000};

static const char overflow_labels[] = "overflow=\"true\"";

static const char *const kind_names[] = {"counter", "gauge", "histogram"};

static int by_labels(const void *a, const void *b)
{
    return strcmp(((const struct metric *)a)->labels, ((const struct metric *)b)->labels);
}

void metric_lock(void)
{
    pthread_mutex_lock(&lock);
    locked = true;
}

void metric_unlock(void)
{
    locked = false;
    pthread_mutex_unlock(&lock);
}

/* ---- families ---------------------------------------------------------------------------------------- */

struct metric_family *metric_family_after(const char *after)
{
    list_each(&families, node, next) {
        struct metric_family *family = container_of(node, struct metric_family, link);
        if (!after || strcmp(family->name, after) > 0)
            return family;
    }
    return NULL;
}

static struct metric_family *family_named(const char *name)
{
    list_each(&families, node, next) {
        struct metric_family *family = container_of(node, struct metric_family, link);
        if (strcmp(family->name, name) == 0)
            return family;
    }
    return NULL;
}

/* Are they finite and in ascending order? The bucket without a bound is added to them. */
static bool are_bounds(const double *bounds, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (!isfinite(bounds[i]) || (i > 0 && bounds[i - 1] >= bounds[i]))
            return false;
    return true;
}

/* What is wrong with a definition by itself, or NULL. */
static const char *mistake_in(const struct metric_definition *definition)
{
    bool is_histogram = definition->kind == METRIC_HISTOGRAM;
    if (!metric_name_is_valid(definition->name))
        return "its name has characters other than letters, digits, \"_\" and \":\", or begins with a digit";
    if (is_histogram && (definition->bound_count == 0 || definition->bound_count > METRIC_BOUNDS_MAX))
        return "a histogram has 1 to 100 bounds";
    if (is_histogram && !are_bounds(definition->bounds, definition->bound_count))
        return "the bounds of a histogram are numbers that ascend";
    if (is_histogram && definition->read)
        return "a histogram is not computed";
    return NULL;
}

static bool has_bounds(const struct metric_family *family, const struct metric_definition *definition)
{
    return family->kind != METRIC_HISTOGRAM ||
           (family->bound_count == definition->bound_count &&
            memcmp(family->bounds, definition->bounds, family->bound_count * sizeof *family->bounds) == 0);
}

static struct metric_family *family_create(const struct metric_owner *owner,
                                           const struct metric_definition *definition)
{
    struct metric_family *family = mem_new(struct metric_family);
    family->name = mem_dup(definition->name);
    family->help = metric_help_render(definition->help ? definition->help : "");
    family->owner = mem_dup(owner->name);
    family->kind = definition->kind;
    list_init(&family->series);
    if (definition->kind == METRIC_HISTOGRAM) {
        family->bound_count = definition->bound_count;
        family->bounds = mem_array(family->bound_count, sizeof *family->bounds);
        memcpy(family->bounds, definition->bounds, family->bound_count * sizeof *family->bounds);
    }
    family_count++;
    struct metric_family *next = metric_family_after(family->name);
    list_insert_before(next ? &next->link : &families.head, &family->link);
    return family;
}

static void family_free(struct metric_family *family)
{
    list_remove(&family->link);
    family_count--;
    free(family->name);
    free(family->help);
    free(family->owner);
    free(family->bounds);
    free(family);
}

/* The family of that name, made if there is none; NULL with a line in error[]: it is another's. */
static struct metric_family *find_family(const struct metric_owner *owner,
                                         const struct metric_definition *definition, char *error,
                                         size_t error_size)
{
    struct metric_family *family = family_named(definition->name);
    if (!family && (family_count < METRIC_NAMES_MAX || owner->key == &core))
        return family_create(owner, definition);
    if (!family)
        snprintf(error, error_size, "metric %.64s: there are %d metrics, which is the most", definition->name,
                 METRIC_NAMES_MAX);
    else if (strcmp(family->owner, owner->name) != 0)
        snprintf(error, error_size, "metric %s is registered by %s", family->name, family->owner);
    else if (family->kind != definition->kind)
        snprintf(error, error_size, "metric %s is registered as a %s", family->name,
                 kind_names[family->kind]);
    else if (!has_bounds(family, definition))
        snprintf(error, error_size, "metric %s is registered with other bounds", family->name);
    else
        return family;
    return NULL;
}

/* ---- series ------------------------------------------------------------------------------------------ */

static uint32_t cells_of(const struct metric_family *family)
{
    return family->kind == METRIC_HISTOGRAM ? (uint32_t)family->bound_count + 2 : 1;
}

static bool is_core(const struct metric_family *family)
{
    return strcmp(family->owner, core.name) == 0;
}

/* Takes `labels`, which is to be freed. NULL: there are no cells left. */
static struct metric *series_create(struct metric_family *family, char *labels)
{
    uint32_t cell;
    if (!cells_take(cells_of(family), is_core(family) ? 0 : CELLS_OF_CORE, &cell)) {
        free(labels);
        return NULL;
    }
    struct metric *metric = mem_new(struct metric);
    metric->family = family;
    metric->kind = family->kind;
    metric->cell = cell;
    metric->bounds = family->bounds;
    metric->bound_count = family->bound_count;
    metric->labels = labels;
    list_init(&metric->readers);
    if (!tsearch(metric, &family->tree, by_labels))
        abort();
    list_append(&family->series, &metric->link);
    if (strcmp(labels, overflow_labels) == 0) {
        family->overflow = metric;
    } else {
        family->series_count++;
        atomic_fetch_add_explicit(&series.used, 1, memory_order_relaxed);
    }
    return metric;
}

static void series_free(struct metric *metric)
{
    struct metric_family *family = metric->family;
    if (metric == family->overflow) {
        family->overflow = NULL;
    } else {
        family->series_count--;
        atomic_fetch_sub_explicit(&series.used, 1, memory_order_relaxed);
    }
    tdelete(metric, &family->tree, by_labels);
    list_remove(&metric->link);
    cells_give_back(metric->cell, cells_of(family));
    free(metric->labels);
    free(metric);
}

void metric_limit_series(uint64_t limit)
{
    atomic_store_explicit(&series.limit, limit, memory_order_relaxed);
}

uint64_t metric_series_used(void)
{
    return atomic_load_explicit(&series.used, memory_order_relaxed);
}

static uint64_t series_limit(void)
{
    return atomic_load_explicit(&series.limit, memory_order_relaxed);
}

uint64_t metric_series_refused(void)
{
    return atomic_load_explicit(&series.refused, memory_order_relaxed);
}

static bool has_room(const struct metric_family *family)
{
    return family->series_count < METRIC_SERIES_MAX &&
           (metric_series_used() < series_limit() || is_core(family));
}

/* Takes `labels`. Sets *overflows when this is the first time that the overflow series is needed. */
static struct metric *find_series(struct metric_family *family, char *labels, bool *overflows)
{
    struct metric wanted = {.labels = labels};
    struct metric **found = tfind(&wanted, &family->tree, by_labels);
    if (!found && has_room(family))
        return series_create(family, labels);
    free(labels);
    if (found)
        return *found;
    atomic_fetch_add_explicit(&series.refused, 1, memory_order_relaxed);
    *overflows = !family->overflow;
    return family->overflow ? family->overflow : series_create(family, mem_dup(overflow_labels));
}

/* To be called without the lock: a module that hears of the line may register a metric. */
static void name_overflow(const struct metric_owner *owner, const char *name)
{
    paniclog(PANIC_WARNING,
             "metric %s of %s: there are %d series of it, or %llu of all metrics (metric_max_series); "
             "further ones are counted in {overflow=\"true\"}",
             name, owner->name, METRIC_SERIES_MAX, (unsigned long long)series_limit());
}

static void release(const struct metric_reader *reader)
{
    if (reader->release)
        reader->release(reader->closure);
}

static void add_owner(struct metric *metric, const void *key, const struct metric_definition *definition)
{
    struct metric_reader *reader = NULL;
    list_each(&metric->readers, node, after)
        if (container_of(node, struct metric_reader, link)->owner == key)
            reader = container_of(node, struct metric_reader, link);
    if (!reader) {
        reader = mem_new(struct metric_reader);
        reader->owner = key;
        list_prepend(&metric->readers, &reader->link);
    }
    release(reader);
    reader->read = definition->read;
    reader->closure = definition->closure;
    reader->release = definition->release;
}

/* Under the lock. Takes `labels`. */
static struct metric *register_series(const struct metric_owner *owner,
                                      const struct metric_definition *definition, char *labels,
                                      bool *overflows, char *error, size_t error_size)
{
    struct metric_family *family = find_family(owner, definition, error, error_size);
    if (!family) {
        free(labels);
        return NULL;
    }
    struct metric *metric = find_series(family, labels, overflows);
    if (metric)
        add_owner(metric, owner->key, definition);
    else
        snprintf(error, error_size, "metric %s: there is no memory left for metrics", definition->name);
    if (list_empty(&family->series))
        family_free(family);
    return metric;
}

struct metric *metric_register(const struct metric_owner *owner, const struct metric_definition *definition,
                               char *error, size_t error_size)
{
    const char *mistake =
        locked ? "it cannot be registered by a function that computes a metric" : mistake_in(definition);
    if (mistake) {
        snprintf(error, error_size, "metric \"%.64s\": %s", definition->name ? definition->name : "",
                 mistake);
        return NULL;
    }
    char *labels = metric_labels_render(definition->labels, error, error_size);
    if (!labels)
        return NULL;
    bool overflows = false;
    metric_lock();
    struct metric *metric = register_series(owner, definition, labels, &overflows, error, error_size);
    metric_unlock();
    if (overflows && metric)
        name_overflow(owner, definition->name);
    return metric;
}

static void leave(struct metric *metric, const void *key)
{
    list_each(&metric->readers, node, after) {
        struct metric_reader *reader = container_of(node, struct metric_reader, link);
        if (reader->owner != key)
            continue;
        list_remove(&reader->link);
        release(reader);
        free(reader);
    }
}

static void leave_all(struct metric_family *family, const void *key)
{
    list_each(&family->series, node, after) {
        struct metric *metric = container_of(node, struct metric, link);
        leave(metric, key);
        if (list_empty(&metric->readers))
            series_free(metric);
    }
}

void metric_owner_end(const void *key)
{
    metric_lock();
    list_each(&families, node, after) {
        struct metric_family *family = container_of(node, struct metric_family, link);
        leave_all(family, key);
        if (list_empty(&family->series))
            family_free(family);
    }
    metric_unlock();
}

struct metric *metric_core(const struct metric_definition *definition)
{
    char error[256];
    struct metric *metric = metric_register(&core, definition, error, sizeof error);
    if (metric)
        return metric;
    paniclog(PANIC_CRITICAL, "%s", error);
    abort();
}

struct metric *metric_core_labelled(const struct metric_definition *definition, const char *label,
                                    const char *value)
{
    const char *const labels[] = {label, value, NULL};
    struct metric_definition labelled = *definition;
    labelled.labels = labels;
    return metric_core(&labelled);
}

void metric_core_read(const struct metric_definition *definitions, size_t count, void *closure,
                      const char *label, const char *value)
{
    for (size_t i = 0; i < count; i++) {
        struct metric_definition definition = definitions[i];
        definition.closure = closure;
        metric_core_labelled(&definition, label, value);
    }
}

/* ---- counting ---------------------------------------------------------------------------------------- */

/* Is this what the caller takes it for? A mistake of a module's; said once. */
static bool is_kind(struct metric *metric, enum metric_kind kind)
{
    if (!metric)
        return false;
    if (metric->kind == kind)
        return true;
    if (!atomic_exchange_explicit(&metric->complained, true, memory_order_relaxed))
        paniclog(PANIC_ERROR, "metric %s of %s is a %s and used as a %s: that is ignored",
                 metric->family->name, metric->family->owner, kind_names[metric->kind], kind_names[kind]);
    return false;
}

void metric_add(struct metric *counter, uint64_t number)
{
    if (is_kind(counter, METRIC_COUNTER))
        cell_add(counter->cell, number);
}

void metric_raise(struct metric *gauge, double number)
{
    if (is_kind(gauge, METRIC_GAUGE))
        cell_add_double(gauge->cell, number);
}

void metric_lower(struct metric *gauge, double number)
{
    metric_raise(gauge, -number);
}

void metric_set(struct metric *gauge, double value)
{
    if (is_kind(gauge, METRIC_GAUGE))
        atomic_store_explicit(&gauge->set, cell_bits(value), memory_order_relaxed);
}

/* The first bucket whose bound is not less; the last one takes the rest, and what is no number. */
static uint32_t bucket_of(const struct metric *histogram, double value)
{
    uint32_t low = 0, high = (uint32_t)histogram->bound_count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (value <= histogram->bounds[middle])
            high = middle;
        else
            low = middle + 1;
    }
    return low;
}

void metric_observe(struct metric *histogram, double value)
{
    if (!is_kind(histogram, METRIC_HISTOGRAM))
        return;
    cell_add(histogram->cell + bucket_of(histogram, value), 1);
    cell_add_double(histogram->cell + (uint32_t)histogram->bound_count + 1, value);
}

/* ---- reading ----------------------------------------------------------------------------------------- */

double metric_compute(const struct metric *metric)
{
    if (!list_empty(&metric->readers)) {
        const struct metric_reader *reader =
            container_of(metric->readers.head.next, struct metric_reader, link);
        if (reader->read)
            return reader->read(reader->closure);
    }
    if (metric->kind == METRIC_COUNTER)
        return (double)cell_sum(metric->cell);
    return cell_sum_double(metric->cell) +
           cell_double(atomic_load_explicit(&metric->set, memory_order_relaxed));
}

uint64_t metric_count(const struct metric *counter)
{
    return counter ? cell_sum(counter->cell) : 0;
}

double metric_value(const struct metric *gauge)
{
    if (!gauge)
        return 0;
    metric_lock();
    double value = metric_compute(gauge);
    metric_unlock();
    return value;
}
