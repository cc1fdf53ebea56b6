/* domain_set: the manual's examples, and agreement with a plain search over many patterns. */
#include <stdio.h>
#include <stdlib.h>
#include "base/domain_set.h"
#include "unit.h"

static void test_examples(void)
{
    static const struct {
        const char *pattern, *domain;
        bool covered;
    } cases[] = {
        {"*.example.com", "test.example.com", true},
        {"*.example.com", "a.b.Example.COM", true},
        {"*.example.com", "example.com", false},
        {"*.example.com", "badexample.com", false},
        {"*example.com", "example.com", true},
        {"*example.com", "badexample.com", true},
        {"*example.com", "example.org", false},
        {"Example.com", "eXample.Com", true},
        {"example.com", "a.example.com", false},
        {"*", "anything.example", true},
        {"*", "", true},
        {"example.com", "", false},
        {"*.com", "com", false},
        {"example.com", "example.comm", false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct domain_set *set = domain_set_create();
        domain_set_add(set, slice_text(cases[i].pattern));
        domain_set_seal(set);
        if (domain_set_has(set, slice_text(cases[i].domain)) != cases[i].covered)
            fprintf(stderr, "%s: %s\n", cases[i].pattern, cases[i].domain);
        CU_ASSERT_EQUAL(domain_set_has(set, slice_text(cases[i].domain)), cases[i].covered);
        domain_set_free(set);
    }
}

static void test_nothing(void)
{
    char too_long[300];
    memset(too_long, 'a', sizeof too_long);
    struct domain_set *set = domain_set_create();
    domain_set_add(set, slice_of("", 0));
    domain_set_seal(set);
    CU_ASSERT_FALSE(domain_set_has(set, slice_text("example.com")));
    CU_ASSERT_FALSE(domain_set_has(set, slice_of(too_long, sizeof too_long)));
    CU_ASSERT_FALSE(domain_set_has(set, slice_of(NULL, 0)));
    domain_set_free(set);
    domain_set_free(NULL);
}

/* Few letters, so that random names often share suffixes. */
static size_t random_name(char *text)
{
    size_t size = 1 + (size_t)random() % 8;
    for (size_t i = 0; i < size; i++)
        text[i] = "aB.c"[random() % 4];
    text[size] = '\0';
    return size;
}

static void test_against_a_list(void)
{
    enum { PATTERNS = 60, DOMAINS = 2000 };
    char patterns[PATTERNS][16], domain[16];
    size_t wrong = 0, covered = 0;
    srandom(1);
    for (int round = 0; round < 20; round++) {
        struct domain_set *set = domain_set_create();
        for (int i = 0; i < PATTERNS; i++) {
            patterns[i][0] = '*';
            random_name(patterns[i] + (i % 3 == 0));
            domain_set_add(set, slice_text(patterns[i]));
        }
        domain_set_seal(set);
        for (int i = 0; i < DOMAINS; i++) {
            random_name(domain);
            bool expected = false;
            for (int k = 0; k < PATTERNS; k++)
                expected |= slice_match_left_glob(slice_text(domain), slice_text(patterns[k]));
            wrong += domain_set_has(set, slice_text(domain)) != expected;
            covered += expected;
        }
        domain_set_free(set);
    }
    CU_ASSERT_EQUAL(wrong, 0);
    CU_ASSERT_TRUE(covered > 100 && covered < 20 * DOMAINS - 100);
}

int main(void)
{
    CU_TestInfo tests[] = {
        {"examples", test_examples},
        {"nothing", test_nothing},
        {"against a list", test_against_a_list},
        CU_TEST_INFO_NULL,
    };
    return unit_run("domain_set", tests);
}
