/* The histogram of the load tools: its percentiles are as exact as its header says. */
#include "unit.h"

#include <string.h>

#include "tools/load/histogram.h"
#include "tools/load/random.h"

enum { VALUES = 20000 };

/* In hundredths of a percent. */
static const unsigned asked[] = {1, 100, 1000, 2500, 5000, 7500, 9000, 9900, 9990, 9999};

static int compare(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

/* The value that so many hundredths of a percent of the sorted values do not exceed. */
static uint64_t true_percentile(const uint64_t *sorted, unsigned hundredths)
{
    size_t rank = 1;
    while (rank * 10000 < (size_t)hundredths * VALUES)
        rank++;
    return sorted[rank - 1];
}

/* Values that are spread evenly over the octaves up to 2^octaves. */
static void check_spread(unsigned octaves)
{
    static uint64_t values[VALUES];
    static struct histogram histogram;
    histogram = (struct histogram){0};
    for (unsigned i = 0; i < VALUES; i++) {
        values[i] = random_at(octaves, i) >> (64 - octaves) >> random_at(octaves, VALUES + i) % octaves;
        histogram_add(&histogram, values[i]);
    }
    qsort(values, VALUES, sizeof *values, compare);
    for (size_t i = 0; i < sizeof asked / sizeof *asked; i++) {
        uint64_t is = histogram_percentile(&histogram, asked[i] / 100.0),
                 should = true_percentile(values, asked[i]);
        CU_ASSERT_TRUE(is >= should);
        CU_ASSERT_TRUE(is - should <= should / 128);
    }
    CU_ASSERT_EQUAL(histogram_percentile(&histogram, 0), values[0]);
    CU_ASSERT_EQUAL(histogram_percentile(&histogram, 100), values[VALUES - 1]);
}

static void test_error_is_bounded(void)
{
    for (unsigned octaves = 4; octaves <= 40; octaves += 4)
        check_spread(octaves);
}

static void test_small_values_are_exact(void)
{
    static struct histogram histogram;
    for (uint64_t value = 1; value <= 200; value++)
        histogram_add(&histogram, value);
    for (unsigned percent = 1; percent <= 100; percent++)
        CU_ASSERT_EQUAL(histogram_percentile(&histogram, percent), 2 * percent);
    CU_ASSERT_DOUBLE_EQUAL(histogram_mean(&histogram), 100.5, 0.001);
}

static void test_nothing_and_everything(void)
{
    static struct histogram histogram;
    CU_ASSERT_EQUAL(histogram_percentile(&histogram, 50), 0);
    CU_ASSERT_EQUAL(histogram_mean(&histogram), 0);
    histogram_add(&histogram, UINT64_MAX);
    CU_ASSERT_EQUAL(histogram_percentile(&histogram, 50), (UINT64_C(1) << 40) - 1);
    histogram_add(&histogram, 0);
    CU_ASSERT_EQUAL(histogram_percentile(&histogram, 50), 0);
}

/* Histograms of threads, merged, say what one of all would have said. */
static void test_merge(void)
{
    static struct histogram parts[3], whole, merged;
    for (unsigned i = 0; i < VALUES; i++) {
        uint64_t value = random_at(1, i) >> 40;
        histogram_add(&parts[i % 2], value); /* the third one stays empty */
        histogram_add(&whole, value);
    }
    for (unsigned i = 0; i < 3; i++)
        histogram_merge(&merged, &parts[i]);
    CU_ASSERT_EQUAL(memcmp(&merged, &whole, sizeof whole), 0);
}

int main(void)
{
    return unit_run("load_histogram", (CU_TestInfo[]){{"the error is bounded", test_error_is_bounded},
                                                      {"small values are exact", test_small_values_are_exact},
                                                      {"nothing, and too much", test_nothing_and_everything},
                                                      {"merging", test_merge},
                                                      CU_TEST_INFO_NULL});
}
