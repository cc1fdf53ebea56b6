/*
 * Metrics: registration and its mistakes, counting on many threads, labels and their bounds, owners that come
 * and go, the text they are printed as.
 */
#include <math.h>
#include <string.h>
#include "base/mem.h"
#include "log/paniclog.h"
#include "metrics/metric.h"
#include "unit.h"

enum { THREADS = 8, ROUNDS = 20000, GENERATIONS = 3 };

static const struct metric_owner shop = {&shop, "module shop"};
static const struct metric_owner next_shop = {&next_shop, "module shop"};
static const struct metric_owner rival = {&rival, "module rival"};

static char error[256];

static struct metric *add(const struct metric_owner *owner, const struct metric_definition *definition)
{
    error[0] = '\0';
    return metric_register(owner, definition, error, sizeof error);
}

/* What metric_print says; to be freed. */
static char *printed(const char *prefix)
{
    char *text;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    metric_print(out, prefix);
    fclose(out);
    return text;
}

static bool prints(const char *prefix, const char *wanted)
{
    char *text = printed(prefix);
    bool same = strcmp(text, wanted) == 0;
    if (!same)
        printf("\n--- printed:\n%s--- wanted:\n%s", text, wanted);
    free(text);
    return same;
}

static void end(void)
{
    metric_owner_end(&shop);
    metric_owner_end(&next_shop);
    metric_owner_end(&rival);
    CU_ASSERT_TRUE(prints("shop", ""));
}

/* ---- counting ---------------------------------------------------------------------------------------- */

static void test_text(void)
{
    const char *red[] = {"size", "big", "colour", "red", NULL};
    const char *odd[] = {"colour", "a\"b\\c\nd\x01\xff\xc3\xa4", NULL};
    static const double bounds[] = {0.5, 10};
    struct metric_definition sold = {.name = "shop_sold_total", .help = "Things sold\nby colour"};
    struct metric *plain = add(&shop, &sold);
    sold.labels = red;
    struct metric *of_red = add(&shop, &sold);
    sold.labels = odd;
    metric_add(add(&shop, &sold), 7);
    struct metric *open = add(&shop, &(struct metric_definition){.kind = METRIC_GAUGE, .name = "shop_open"});
    struct metric *wait = add(&shop, &(struct metric_definition){.kind = METRIC_HISTOGRAM,
                                                                 .name = "shop_wait_seconds",
                                                                 .help = "Waiting",
                                                                 .labels = red,
                                                                 .bounds = bounds,
                                                                 .bound_count = 2});
    metric_add(plain, 1);
    metric_add(of_red, 3000000000);
    metric_raise(open, 2);
    metric_lower(open, 0.5);
    metric_observe(wait, 0.25);
    metric_observe(wait, 10);
    metric_observe(wait, 10.5);
    CU_ASSERT_TRUE(prints("shop", "# TYPE shop_open gauge\n"
                                  "shop_open 1.5\n"
                                  "# HELP shop_sold_total Things sold\\nby colour\n"
                                  "# TYPE shop_sold_total counter\n"
                                  "shop_sold_total 1\n"
                                  "shop_sold_total{colour=\"red\",size=\"big\"} 3000000000\n"
                                  "shop_sold_total{colour=\"a\\\"b\\\\c\\nd??\xc3\xa4\"} 7\n"
                                  "# HELP shop_wait_seconds Waiting\n"
                                  "# TYPE shop_wait_seconds histogram\n"
                                  "shop_wait_seconds_bucket{colour=\"red\",size=\"big\",le=\"0.5\"} 1\n"
                                  "shop_wait_seconds_bucket{colour=\"red\",size=\"big\",le=\"10\"} 2\n"
                                  "shop_wait_seconds_bucket{colour=\"red\",size=\"big\",le=\"+Inf\"} 3\n"
                                  "shop_wait_seconds_sum{colour=\"red\",size=\"big\"} 20.75\n"
                                  "shop_wait_seconds_count{colour=\"red\",size=\"big\"} 3\n"));
    CU_ASSERT_TRUE(prints("shop_o", "# TYPE shop_open gauge\nshop_open 1.5\n"));
    end();
}

struct counting {
    struct metric *sold, *open, *wait;
    _Atomic bool over;
};

static void *count(void *argument)
{
    struct counting *counting = argument;
    for (int i = 0; i < ROUNDS; i++) {
        metric_add(counting->sold, 2);
        metric_raise(counting->open, 1);
        metric_observe(counting->wait, 1);
        metric_lower(counting->open, 1);
    }
    return NULL;
}

static void *keep_reading(void *argument)
{
    struct counting *counting = argument;
    uint64_t last = 0;
    while (!counting->over) {
        uint64_t now = metric_count(counting->sold);
        if (now < last)
            abort(); /* a counter never falls */
        last = now;
        free(printed("shop"));
    }
    return NULL;
}

/* Threads come and go; what they counted stays. */
static void test_threads(void)
{
    static const double bounds[] = {1};
    pthread_t threads[THREADS], reader;
    struct counting counting = {
        .sold = add(&shop, &(struct metric_definition){.name = "shop_sold_total"}),
        .open = add(&shop, &(struct metric_definition){.kind = METRIC_GAUGE, .name = "shop_open"}),
        .wait = add(&shop,
                    &(struct metric_definition){
                        .kind = METRIC_HISTOGRAM, .name = "shop_wait", .bounds = bounds, .bound_count = 1}),
    };
    pthread_create(&reader, NULL, keep_reading, &counting);
    for (int generation = 0; generation < GENERATIONS; generation++) {
        for (int i = 0; i < THREADS; i++)
            pthread_create(&threads[i], NULL, count, &counting);
        for (int i = 0; i < THREADS; i++)
            pthread_join(threads[i], NULL);
    }
    counting.over = true;
    pthread_join(reader, NULL);
    CU_ASSERT_EQUAL(metric_count(counting.sold), 2u * THREADS * ROUNDS * GENERATIONS);
    CU_ASSERT_EQUAL(metric_value(counting.open), 0);
    CU_ASSERT_TRUE(prints("shop_wait", "# TYPE shop_wait histogram\n"
                                       "shop_wait_bucket{le=\"1\"} 480000\n"
                                       "shop_wait_bucket{le=\"+Inf\"} 480000\n"
                                       "shop_wait_sum 480000\n"
                                       "shop_wait_count 480000\n"));
    end();
}

static double forty_two(void *closure)
{
    return 42 + *(int *)closure;
}

static void test_computed(void)
{
    int first = 0, second = 1;
    struct metric_definition open = {
        .kind = METRIC_GAUGE, .name = "shop_open", .read = forty_two, .closure = &first};
    struct metric *metric = add(&shop, &open);
    CU_ASSERT_EQUAL(metric_value(metric), 42);
    open.closure = &second;
    CU_ASSERT_PTR_EQUAL(add(&next_shop, &open), metric);
    CU_ASSERT_EQUAL(metric_value(metric), 43);
    metric_owner_end(&next_shop); /* a reload that failed: the one before goes on */
    CU_ASSERT_EQUAL(metric_value(metric), 42);
    end();
}

static struct metric *registered; /* by a function that computes a metric */

static double register_one(void *closure)
{
    (void)closure;
    registered = add(&shop, &(struct metric_definition){.name = "shop_inner_total"});
    return 1;
}

/* What a function that is called under the lock registers is refused, and not waited for. */
static void test_computed_registers(void)
{
    struct metric_definition open = {.kind = METRIC_GAUGE, .name = "shop_open", .read = register_one};
    struct metric *metric = add(&shop, &open);
    CU_ASSERT_EQUAL(metric_value(metric), 1);
    CU_ASSERT_PTR_NULL(registered);
    CU_ASSERT_PTR_NOT_NULL(strstr(error, "cannot be registered by a function that computes a metric"));
    CU_ASSERT_TRUE(prints("shop", "# TYPE shop_open gauge\nshop_open 1\n"));
    CU_ASSERT_PTR_NOT_NULL(add(&shop, &(struct metric_definition){.name = "shop_inner_total"}));
    end();
}

static void test_set(void)
{
    struct metric *open = add(&shop, &(struct metric_definition){.kind = METRIC_GAUGE, .name = "shop_open"});
    metric_set(open, 5);
    metric_set(open, -2.25);
    CU_ASSERT_EQUAL(metric_value(open), -2.25);
    end();
}

/* ---- mistakes ---------------------------------------------------------------------------------------- */

static void test_mistakes(void)
{
    static const double bounds[] = {1, 2}, others[] = {1, 3}, falling[] = {2, 1};
    struct metric_definition histogram = {
        .kind = METRIC_HISTOGRAM, .name = "shop_wait", .bounds = bounds, .bound_count = 2};
    CU_ASSERT_PTR_NOT_NULL(add(&shop, &(struct metric_definition){.name = "shop_sold_total"}));
    CU_ASSERT_PTR_NOT_NULL(add(&shop, &histogram));

    CU_ASSERT_PTR_NULL(add(&rival, &(struct metric_definition){.name = "shop_sold_total"}));
    CU_ASSERT_STRING_EQUAL(error, "metric shop_sold_total is registered by module shop");
    CU_ASSERT_PTR_NULL(
        add(&shop, &(struct metric_definition){.kind = METRIC_GAUGE, .name = "shop_sold_total"}));
    CU_ASSERT_STRING_EQUAL(error, "metric shop_sold_total is registered as a counter");
    histogram.bounds = others;
    CU_ASSERT_PTR_NULL(add(&shop, &histogram));
    CU_ASSERT_STRING_EQUAL(error, "metric shop_wait is registered with other bounds");
    histogram.bounds = falling;
    CU_ASSERT_PTR_NULL(add(&shop, &histogram));
    histogram.bound_count = 0;
    CU_ASSERT_PTR_NULL(add(&shop, &histogram));
    CU_ASSERT_PTR_NULL(add(&shop, &(struct metric_definition){.name = "9lives"}));
    CU_ASSERT_PTR_NULL(add(&shop, &(struct metric_definition){.name = "shop-sold"}));
    CU_ASSERT_PTR_NULL(add(&shop, &(struct metric_definition){.name = ""}));
    CU_ASSERT_PTR_NULL(add(&shop, &(struct metric_definition){0}));
    static const double endless[] = {1, INFINITY}, no_number[] = {NAN};
    struct metric_definition wait = {.kind = METRIC_HISTOGRAM, .name = "shop_wait", .bounds = endless};
    wait.bound_count = 2;
    CU_ASSERT_PTR_NULL(add(&shop, &wait));
    wait.bounds = no_number;
    wait.bound_count = 1;
    CU_ASSERT_PTR_NULL(add(&shop, &wait));
    static const char *const wrong[][5] = {{"co-lour", "red"}, {"__colour", "red"},  {"le", "1"},
                                           {"colour", NULL},   {"a", "1", "a", "2"}, {"", "x"}};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        CU_ASSERT_PTR_NULL(
            add(&shop, &(struct metric_definition){.name = "shop_sold_total", .labels = wrong[i]}));
    end();
}

static void test_wrong_kind(void)
{
    struct metric *sold = add(&shop, &(struct metric_definition){.name = "shop_sold_total"});
    metric_set(sold, 5);
    metric_raise(sold, 5);
    metric_observe(sold, 5);
    CU_ASSERT_EQUAL(metric_count(sold), 0);
    metric_add(NULL, 1);
    metric_set(NULL, 1);
    metric_observe(NULL, 1);
    CU_ASSERT_EQUAL(metric_count(NULL), 0);
    end();
}

/* ---- owners ------------------------------------------------------------------------------------------ */

/* A reload: the next generation registers before the last one ends. */
static void test_generations(void)
{
    struct metric_definition sold = {.name = "shop_sold_total"};
    struct metric *metric = add(&shop, &sold);
    metric_add(metric, 5);
    CU_ASSERT_PTR_EQUAL(add(&next_shop, &sold), metric);
    CU_ASSERT_PTR_EQUAL(add(&next_shop, &sold), metric);
    metric_owner_end(&shop);
    metric_add(metric, 1);
    CU_ASSERT_EQUAL(metric_count(metric), 6);
    metric_owner_end(&next_shop);
    CU_ASSERT_TRUE(prints("shop", ""));
    CU_ASSERT_EQUAL(metric_count(add(&rival, &sold)), 0); /* its memory is used again, and its name is free */
    end();
}

static unsigned complaints;

static void count_complaints(enum panic_level level, const char *line, size_t size, void *closure)
{
    (void)level, (void)closure;
    complaints += size > 0 && strstr(line, "overflow") != NULL;
    if (strstr(line, "overflow")) /* a module that counts lines */
        metric_add(add(&rival, &(struct metric_definition){.name = "rival_lines_total"}), 1);
}

static void test_overflow(void)
{
    char number[16];
    const char *labels[] = {"number", number, NULL};
    struct metric_definition sold = {.name = "shop_sold_total", .labels = labels};
    paniclog_set_stderr(false);
    paniclog_add_sink(count_complaints, NULL);
    complaints = 0;
    for (int i = 0; i < METRIC_SERIES_MAX + 50; i++) {
        snprintf(number, sizeof number, "%d", i);
        metric_add(add(&shop, &sold), 1);
    }
    CU_ASSERT_EQUAL(complaints, 1);
    CU_ASSERT_TRUE(prints("rival", "# TYPE rival_lines_total counter\nrival_lines_total 1\n"));
    char *text = printed("shop");
    CU_ASSERT_PTR_NOT_NULL(strstr(text, "shop_sold_total{number=\"999\"} 1\n"));
    CU_ASSERT_PTR_NULL(strstr(text, "shop_sold_total{number=\"1000\"}"));
    CU_ASSERT_PTR_NOT_NULL(strstr(text, "shop_sold_total{overflow=\"true\"} 50\n"));
    free(text);
    end();
    snprintf(number, sizeof number, "again"); /* all of it is free again */
    CU_ASSERT_EQUAL(metric_count(add(&shop, &sold)), 0);
    paniclog_remove_sink(count_complaints, NULL);
    paniclog_set_stderr(true);
    end();
}

/* The sum of all metrics has a bound as well, and so has the memory of histograms. */
static void test_overflow_of_all(void)
{
    static double bounds[METRIC_BOUNDS_MAX];
    char name[32], number[16];
    const char *labels[] = {"number", number, NULL};
    unsigned given = 0, refused = 0;
    for (int i = 0; i < METRIC_BOUNDS_MAX; i++)
        bounds[i] = i;
    paniclog_set_stderr(false);
    for (int i = 0; i < 12000; i++) {
        snprintf(name, sizeof name, "shop_%d", i / 500);
        snprintf(number, sizeof number, "%d", i);
        struct metric *metric = add(&shop, &(struct metric_definition){.kind = METRIC_HISTOGRAM,
                                                                       .name = name,
                                                                       .labels = labels,
                                                                       .bounds = bounds,
                                                                       .bound_count = METRIC_BOUNDS_MAX});
        metric_observe(metric, 1);
        given += metric != NULL;
        refused += metric == NULL;
    }
    CU_ASSERT_TRUE(given >= (65536 - 4096) / 102 - 1); /* cells in all without the core's, and of each */
    CU_ASSERT_EQUAL(refused, 12000 - given);
    metric_core(&(struct metric_definition){.kind = METRIC_HISTOGRAM, /* would end the process */
                                            .name = "core_wait_seconds",
                                            .bounds = bounds,
                                            .bound_count = METRIC_BOUNDS_MAX});
    metric_owner_end(&shop);
    for (int i = 0; i < 12000; i++) {
        snprintf(name, sizeof name, "shop_%d", i / 500);
        snprintf(number, sizeof number, "%d", i);
        metric_add(add(&shop, &(struct metric_definition){.name = name, .labels = labels}), 1);
    }
    char *text = printed("shop_23");
    CU_ASSERT_STRING_EQUAL(text, "# TYPE shop_23 counter\nshop_23{overflow=\"true\"} 500\n");
    free(text);
    metric_add(metric_core_labelled(&(struct metric_definition){.name = "core_sold_total"}, "colour", "red"),
               1);
    CU_ASSERT_TRUE(
        prints("core_sold", "# TYPE core_sold_total counter\ncore_sold_total{colour=\"red\"} 1\n"));
    paniclog_set_stderr(true);
    end();
}

static void test_too_many_names(void)
{
    char name[32];
    unsigned given = 0;
    paniclog_set_stderr(false);
    paniclog_add_sink(count_complaints, NULL);
    complaints = 0;
    for (int i = 0; i < 3 * METRIC_NAMES_MAX; i++) {
        snprintf(name, sizeof name, "shop_%d", i);
        given += add(&shop, &(struct metric_definition){.name = name}) != NULL;
    }
    CU_ASSERT_TRUE(given <= METRIC_NAMES_MAX && given > METRIC_NAMES_MAX - 10); /* the core has some */
    CU_ASSERT_EQUAL(complaints, 0);
    CU_ASSERT_PTR_NOT_NULL(strstr(error, "which is the most"));
    metric_core(&(struct metric_definition){.name = "core_bought_total"});
    paniclog_remove_sink(count_complaints, NULL);
    paniclog_set_stderr(true);
    end();
}

int main(void)
{
    CU_TestInfo tests[] = {
        {"what is printed", test_text},
        {"many threads count, and end", test_threads},
        {"a value that is computed when it is read", test_computed},
        {"a function that computes a value registers another", test_computed_registers},
        {"a gauge that is set", test_set},
        {"mistakes in a definition", test_mistakes},
        {"a handle used as another kind", test_wrong_kind},
        {"a counter survives its owner while another one has it", test_generations},
        {"too many labels", test_overflow},
        {"too many series", test_overflow_of_all},
        {"too many metrics", test_too_many_names},
        CU_TEST_INFO_NULL,
    };
    return unit_run("metric", tests);
}
