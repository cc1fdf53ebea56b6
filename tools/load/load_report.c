/*
 * What impulse-load prints: a line each second, and the sums at the end, in words or as JSON.
 */
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include "base/clock.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "tools/load/load.h"

static const char *const phase_names[PHASES] = {"connect", "tls",  "banner", "ehlo",    "auth",
                                                "mail",    "rcpt", "data",   "content", "message"};

static const struct {
    const char *name;
    double percent;
} percentiles[] = {{"p50", 50}, {"p90", 90}, {"p99", 99}, {"p999", 99.9}, {"p9999", 99.99}};

enum { PERCENTILES = sizeof percentiles / sizeof *percentiles };

static const struct {
    const char *name, *words;
    size_t offset;
} sums[] = {
    {"connections", "connections", offsetof(struct load_counts, connections)},
    {"connections_failed", "could not be made", offsetof(struct load_counts, failed)},
    {"connections_lost", "were lost", offsetof(struct load_counts, lost)},
    {"messages", "messages begun", offsetof(struct load_counts, begun)},
    {"accepted", "answered 2xx", offsetof(struct load_counts, accepted)},
    {"transient", "answered 4xx", offsetof(struct load_counts, transient)},
    {"permanent", "answered 5xx", offsetof(struct load_counts, permanent)},
    {"unknown", "lost without answer", offsetof(struct load_counts, unknown)},
    {"recipients", "recipients accepted", offsetof(struct load_counts, recipients)},
    {"recipients_refused", "recipients refused", offsetof(struct load_counts, refused)},
    {"bytes", "bytes accepted", offsetof(struct load_counts, bytes)},
};

uint64_t load_sum(const struct load *load, size_t offset)
{
    uint64_t sum = 0;
    for (uint64_t i = 0; i < load->settings.threads; i++)
        sum += counter_read(
            (const struct counter *)(const void *)((const char *)&load->workers[i].counts + offset));
    return sum;
}

/* ---- while it runs ----------------------------------------------------------------------------- */

void load_print_progress(const struct load *load)
{
    static uint64_t last_accepted, last_time;
    uint64_t now = clock_mono_us(), accepted = load_sum(load, offsetof(struct load_counts, accepted)),
             p99 = 0;
    double passed = (double)(now - (last_time ? last_time : load->started)) / 1e6;
    for (uint64_t i = 0; i < load->settings.threads; i++) {
        uint64_t here = atomic_load_explicit(&load->workers[i].recent_p99, memory_order_relaxed);
        if (here > p99)
            p99 = here;
    }
    fprintf(stderr, "%5.0f s %8.0f a second, p99 %.1f ms; %" PRIu64 " accepted",
            (double)(now - load->started) / 1e6, (double)(accepted - last_accepted) / passed,
            (double)p99 / 1000, accepted);
    fprintf(stderr, ", %" PRIu64 " refused, %" PRIu64 " without answer, %" PRIu64 " connections\n",
            load_sum(load, offsetof(struct load_counts, transient)) +
                load_sum(load, offsetof(struct load_counts, permanent)),
            load_sum(load, offsetof(struct load_counts, unknown)),
            load_sum(load, offsetof(struct load_counts, standing)));
    last_accepted = accepted;
    last_time = now;
}

/* ---- at the end -------------------------------------------------------------------------------- */

struct report {
    double seconds, cpu;
    uint64_t late; /* messages that were due in time and were not begun */
    struct histogram phases[PHASES];
    struct load_complaint complaints[COMPLAINTS];
};

void load_count_complaint(struct load_complaint complaints[COMPLAINTS], const char *text, uint64_t count)
{
    struct load_complaint *place = complaints, *last = complaints + COMPLAINTS - 1;
    while (place < last && place->count && strcmp(place->text, text) != 0)
        place++;
    if (!place->count)
        snprintf(place->text, sizeof place->text, "%s", place == last ? "others" : text);
    place->count += count;
}

/* Returns how many messages were due before the end of the time and found no free connection. */
static uint64_t count_late(const struct load *load, double seconds)
{
    const struct load_settings *settings = &load->settings;
    if (!settings->rate)
        return 0;
    uint64_t due = (uint64_t)(seconds * settings->rate),
             begun = load_sum(load, offsetof(struct load_counts, begun));
    if (settings->seconds && seconds > settings->seconds)
        due = (uint64_t)(settings->seconds * settings->rate);
    if (settings->messages && due > settings->messages)
        due = settings->messages;
    return due > begun ? due - begun : 0;
}

static struct report *make_report(const struct load *load)
{
    struct report *report = mem_new(struct report);
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    report->cpu = (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
                  (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
    for (uint64_t i = 0; i < load->settings.threads; i++) {
        const struct load_worker *worker = &load->workers[i];
        double seconds = (double)(worker->ended - load->started) / 1e6;
        if (seconds > report->seconds)
            report->seconds = seconds;
        for (unsigned phase = 0; phase < PHASES; phase++)
            histogram_merge(&report->phases[phase], &worker->phases[phase]);
        for (unsigned j = 0; j < COMPLAINTS && worker->complaints[j].count; j++)
            load_count_complaint(report->complaints, worker->complaints[j].text, worker->complaints[j].count);
    }
    report->late = count_late(load, report->seconds);
    return report;
}

static json_t *phase_object(const struct histogram *histogram)
{
    json_t *object = json_object();
    json_object_set_new(object, "count", json_integer((json_int_t)histogram->count));
    json_object_set_new(object, "mean", json_real(histogram_mean(histogram)));
    json_object_set_new(object, "least", json_integer((json_int_t)histogram->least));
    for (size_t i = 0; i < PERCENTILES; i++)
        json_object_set_new(
            object, percentiles[i].name,
            json_integer((json_int_t)histogram_percentile(histogram, percentiles[i].percent)));
    json_object_set_new(object, "most", json_integer((json_int_t)histogram->most));
    return object;
}

static void print_json(const struct load *load, const struct report *report)
{
    json_t *object = json_object(), *phases = json_object(), *complaints = json_object();
    char run[20];
    snprintf(run, sizeof run, "%016" PRIx64, load->run);
    json_object_set_new(object, "run", json_string(run));
    json_object_set_new(object, "seconds", json_real(report->seconds));
    json_object_set_new(object, "cpu_seconds", json_real(report->cpu));
    for (size_t i = 0; i < sizeof sums / sizeof *sums; i++)
        json_object_set_new(object, sums[i].name, json_integer((json_int_t)load_sum(load, sums[i].offset)));
    json_object_set_new(object, "not_begun_in_time", json_integer((json_int_t)report->late));
    double accepted = (double)load_sum(load, offsetof(struct load_counts, accepted));
    json_object_set_new(object, "accepted_a_second", json_real(accepted / report->seconds));
    for (unsigned i = 0; i < PHASES; i++)
        if (report->phases[i].count)
            json_object_set_new(phases, phase_names[i], phase_object(&report->phases[i]));
    json_object_set_new(object, "latency_us", phases);
    for (unsigned i = 0; i < COMPLAINTS && report->complaints[i].count; i++) {
        char *text = utf8_clean(report->complaints[i].text); /* replies may have any bytes */
        json_object_set_new(complaints, text, json_integer((json_int_t)report->complaints[i].count));
        free(text);
    }
    json_object_set_new(object, "complaints", complaints);
    const char *hopeless = atomic_load(&load->hopeless);
    json_object_set_new(object, "given_up", hopeless ? json_string(hopeless) : json_null());
    json_dumpf(object, stdout, JSON_INDENT(2) | JSON_PRESERVE_ORDER | JSON_REAL_PRECISION(9));
    putchar('\n');
    json_decref(object);
}

static void print_words(const struct load *load, const struct report *report)
{
    uint64_t accepted = load_sum(load, offsetof(struct load_counts, accepted));
    printf("run %016" PRIx64 ": %.1f messages a second for %.2f s; %.0f%% of one CPU used here\n", load->run,
           (double)accepted / report->seconds, report->seconds, report->cpu / report->seconds * 100);
    for (size_t i = 0; i < sizeof sums / sizeof *sums; i++) {
        uint64_t sum = load_sum(load, sums[i].offset);
        if (sum || sums[i].offset == offsetof(struct load_counts, accepted))
            printf("  %-20s %" PRIu64 "\n", sums[i].words, sum);
    }
    if (report->late)
        printf("  %-20s %" PRIu64 "\n", "due, but not begun", report->late);
    printf("\nms         %10s", "count");
    for (size_t i = 0; i < PERCENTILES; i++)
        printf("%10s", percentiles[i].name);
    printf("%10s\n", "most");
    for (unsigned i = 0; i < PHASES; i++) {
        const struct histogram *histogram = &report->phases[i];
        if (!histogram->count)
            continue;
        printf("%-10s %10" PRIu64, phase_names[i], histogram->count);
        for (size_t j = 0; j < PERCENTILES; j++)
            printf("%10.3f", (double)histogram_percentile(histogram, percentiles[j].percent) / 1000);
        printf("%10.3f\n", (double)histogram->most / 1000);
    }
    for (unsigned i = 0; i < COMPLAINTS && report->complaints[i].count; i++)
        printf("%s%8" PRIu64 " times  %s\n", i ? "" : "\n", report->complaints[i].count,
               report->complaints[i].text);
}

void load_print_report(const struct load *load)
{
    struct report *report = make_report(load);
    if (load->settings.json)
        print_json(load, report);
    else
        print_words(load, report);
    fflush(stdout);
    free(report);
}
