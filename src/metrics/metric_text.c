/*
 * metric_text: metrics as text. Source: Prometheus, "Exposition formats", text format 0.0.4.
 */
#include <inttypes.h>
#include <math.h>
#include <string.h>
#include "base/mem.h"
#include "metrics/metric_cells.h"
#include "metrics/metric_private.h"

static const char *const types[] = {"counter", "gauge", "histogram"};

/* Whole numbers without an exponent; others with as many digits as tell them apart. */
static void print_number(FILE *out, double value)
{
    if (isnan(value))
        fputs("NaN", out);
    else if (isinf(value))
        fputs(value > 0 ? "+Inf" : "-Inf", out);
    else if (value == floor(value) && fabs(value) < 1e15)
        fprintf(out, "%.0f", value);
    else
        fprintf(out, "%.10g", value);
}

static void print_sample(FILE *out, const struct metric *metric, const char *suffix)
{
    fprintf(out, "%s%s", metric->family->name, suffix);
    if (*metric->labels)
        fprintf(out, "{%s}", metric->labels);
    fputc(' ', out);
}

static void print_bucket(FILE *out, const struct metric *metric, double bound, uint64_t count)
{
    fprintf(out, "%s_bucket{%s%sle=\"", metric->family->name, metric->labels, *metric->labels ? "," : "");
    print_number(out, bound);
    fprintf(out, "\"} %" PRIu64 "\n", count);
}

static void print_histogram(FILE *out, const struct metric *metric)
{
    uint64_t count = 0;
    uint32_t last = (uint32_t)metric->bound_count;
    for (uint32_t i = 0; i <= last; i++) {
        count += cell_sum(metric->cell + i);
        print_bucket(out, metric, i < last ? metric->bounds[i] : INFINITY, count);
    }
    print_sample(out, metric, "_sum");
    print_number(out, cell_sum_double(metric->cell + last + 1));
    fputc('\n', out);
    print_sample(out, metric, "_count");
    fprintf(out, "%" PRIu64 "\n", count);
}

static void print_series(FILE *out, const struct metric *metric)
{
    if (metric->kind == METRIC_HISTOGRAM) {
        print_histogram(out, metric);
        return;
    }
    print_sample(out, metric, "");
    print_number(out, metric_compute(metric));
    fputc('\n', out);
}

static void print_family(FILE *out, const struct metric_family *family)
{
    if (*family->help)
        fprintf(out, "# HELP %s %s\n", family->name, family->help);
    fprintf(out, "# TYPE %s %s\n", family->name, types[family->kind]);
    list_each(&family->series, node, after)
        print_series(out, container_of(node, struct metric, link));
}

size_t metric_print(FILE *out, const char *prefix)
{
    size_t count = 0;
    char *last = NULL;
    for (bool more = true; more;) {
        metric_lock();
        const struct metric_family *family = metric_family_after(last);
        while (family && strncmp(family->name, prefix, strlen(prefix)) != 0)
            family = metric_family_after(family->name);
        more = family != NULL;
        free(last);
        last = more ? mem_dup(family->name) : NULL;
        if (more) {
            print_family(out, family);
            count++;
        }
        metric_unlock();
    }
    return count;
}
