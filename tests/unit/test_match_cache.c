/* What is remembered of matching scopes: for whom, how much, how long, and from many threads at once. */
#include "confparse/match_cache.h"
#include "conf_harness.h"

/* Scopes that are never looked into; their addresses tell them apart. */
static const char places[64];

static const struct conf_scope *scope(size_t number)
{
    return (const struct conf_scope *)(const void *)&places[number];
}

static void keep_at(struct conf_match_cache *cache, const char *name, size_t count, uint64_t now)
{
    const struct conf_scope *matches[CONF_MATCHES_MAX];
    for (size_t i = 0; i < count; i++)
        matches[i] = scope(i + 1);
    conf_match_cache_keep(cache, scope(0), conf_text_of(name), now, matches, count);
}

/* How many scopes are kept for a name; -1: nothing is; -2: others than were. Any thread. */
static int found_at(struct conf_match_cache *cache, const char *name, uint64_t now)
{
    const struct conf_scope *matches[CONF_MATCHES_MAX];
    size_t count;
    if (!conf_match_cache_find(cache, scope(0), conf_text_of(name), now, matches, &count))
        return -1;
    for (size_t i = 0; i < count; i++)
        if (matches[i] != scope(i + 1))
            return -2;
    return (int)count;
}

static void test_names(void)
{
    struct conf_match_cache *cache = conf_match_cache_create(10, 0);
    const struct conf_scope *matches[CONF_MATCHES_MAX];
    char longest[CONF_MATCH_NAME_MAX + 2] = "";
    size_t count;
    CU_ASSERT_EQUAL(found_at(cache, "a.example", 0), -1);
    keep_at(cache, "a.example", 0, 0);
    keep_at(cache, "B.example", 3, 0);
    keep_at(cache, "", CONF_MATCHES_MAX, 0);
    CU_ASSERT_EQUAL(found_at(cache, "a.example", 0), 0);
    CU_ASSERT_EQUAL(found_at(cache, "b.EXAMPLE", 0), 3);
    CU_ASSERT_EQUAL(found_at(cache, "", 0), CONF_MATCHES_MAX);
    CU_ASSERT_EQUAL(found_at(cache, "a.exampl", 0), -1);
    keep_at(cache, "b.example", 1, 0);
    CU_ASSERT_EQUAL(found_at(cache, "b.example", 0), 1);
    CU_ASSERT_EQUAL(conf_match_cache_count(cache), 3);
    /* In another container it is another question. */
    CU_ASSERT_FALSE(conf_match_cache_find(cache, scope(5), conf_text_of("a.example"), 0, matches, &count));
    memset(longest, 'x', CONF_MATCH_NAME_MAX);
    keep_at(cache, longest, 2, 0);
    CU_ASSERT_EQUAL(found_at(cache, longest, 0), 2);
    longest[CONF_MATCH_NAME_MAX] = 'x';
    keep_at(cache, longest, 2, 0);
    CU_ASSERT_EQUAL(found_at(cache, longest, 0), -1);
    conf_match_cache_free(cache);
    conf_match_cache_free(NULL);
}

static void test_size(void)
{
    struct conf_match_cache *cache = conf_match_cache_create(3, 0);
    keep_at(cache, "a", 1, 0);
    keep_at(cache, "b", 1, 0);
    keep_at(cache, "c", 1, 0);
    CU_ASSERT_EQUAL(found_at(cache, "a", 0), 1); /* so that b was not asked for longest */
    keep_at(cache, "d", 1, 0);
    CU_ASSERT_EQUAL(found_at(cache, "b", 0), -1);
    CU_ASSERT_EQUAL(found_at(cache, "c", 0), 1);
    CU_ASSERT_EQUAL(found_at(cache, "a", 0), 1);
    CU_ASSERT_EQUAL(found_at(cache, "d", 0), 1);
    CU_ASSERT_EQUAL(conf_match_cache_count(cache), 3);
    conf_match_cache_free(cache);

    /* Of more names than there is room for, as many as the size says. */
    cache = conf_match_cache_create(5000, 0);
    for (int i = 0; i < 50000; i++) {
        char name[16];
        snprintf(name, sizeof name, "%d.example", i);
        keep_at(cache, name, 1, 0);
    }
    size_t count = conf_match_cache_count(cache);
    CU_ASSERT(count <= 5000 && count > 4900);
    CU_ASSERT_EQUAL(found_at(cache, "49999.example", 0), 1);
    CU_ASSERT_EQUAL(found_at(cache, "0.example", 0), -1);
    conf_match_cache_free(cache);
}

static void test_life(void)
{
    struct conf_match_cache *cache = conf_match_cache_create(3, 10);
    keep_at(cache, "a", 1, 100);
    CU_ASSERT_EQUAL(found_at(cache, "a", 109), 1); /* which does not make it younger */
    CU_ASSERT_EQUAL(found_at(cache, "a", 110), -1);
    CU_ASSERT_EQUAL(conf_match_cache_count(cache), 0);
    keep_at(cache, "a", 2, 110);
    CU_ASSERT_EQUAL(found_at(cache, "a", 119), 2);
    conf_match_cache_free(cache);
}

/* ---- threads ---------------------------------------------------------------------------------------------
 */

enum { THREADS = 4, NAMES = 500, ROUNDS = 40 };

/* Each name has its own number of scopes, so that a wrong answer would show. */
static void *ask_and_keep(void *argument)
{
    struct conf_match_cache *cache = argument;
    size_t wrong = 0;
    for (int i = 0; i < NAMES * ROUNDS; i++) {
        char name[16];
        int number = i * 7 % NAMES;
        snprintf(name, sizeof name, "%d", number);
        int count = found_at(cache, name, 0);
        wrong += count != -1 && count != number % 30;
        if (count == -1)
            keep_at(cache, name, (size_t)number % 30, 0);
    }
    return (void *)wrong;
}

static void test_threads(void)
{
    for (size_t size = 100; size <= 10000; size *= 100) { /* too small, and with a shard for each thread */
        struct conf_match_cache *cache = conf_match_cache_create(size, 0);
        pthread_t threads[THREADS];
        for (int i = 0; i < THREADS; i++)
            CU_ASSERT_EQUAL_FATAL(pthread_create(&threads[i], NULL, ask_and_keep, cache), 0);
        for (int i = 0; i < THREADS; i++) {
            void *wrong;
            pthread_join(threads[i], &wrong);
            CU_ASSERT_PTR_NULL(wrong);
        }
        CU_ASSERT_EQUAL(conf_match_cache_count(cache), size < NAMES ? size : NAMES);
        conf_match_cache_free(cache);
    }
}

/* ---- in a configuration ----------------------------------------------------------------------------------
 */

static int64_t retry_interval(const struct conf *conf, const char *binding, const char *domain)
{
    struct conf_chain chain;
    conf_chain_outbound(&chain, conf, binding, domain);
    return conf_chain_int(&chain, "retry_interval");
}

/* Asked a second time, from the cache, everything is as it was, whatever the size. */
static void test_answers(void)
{
    static const char *const sizes[] = {"", "match_cache_size = 1\n",
                                        "match_cache_size = 1 match_cache_life = 1\n",
                                        "match_cache_size = 100000\n"};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        char text[1000];
        snprintf(text, sizeof text,
                 "%s retry_interval = 1\n"
                 "Domain \"/^mail/\" { retry_interval = 2 }\n"
                 "Domain \"/example/\" { retry_interval = 3 }\n"
                 "Domain \"/(?-i)UPPER/\" { retry_interval = 4 }\n"
                 "Domain \"/(?-i)lower/\" { retry_interval = 5 }\n"
                 "Domain \"mail.other\" { retry_interval = 6 }\n"
                 "Binding b { Domain \"/mail/\" { retry_interval = 7 } }\n",
                 sizes[i]);
        struct conf *conf = clean(text);
        for (int again = 0; again < 3; again++) {
            CU_ASSERT_EQUAL(retry_interval(conf, NULL, "mail.example"), 2);
            CU_ASSERT_EQUAL(retry_interval(conf, "b", "mail.example"), 7);
            CU_ASSERT_EQUAL(retry_interval(conf, "b", "a.example"), 3);
            CU_ASSERT_EQUAL(retry_interval(conf, NULL, "a.Example"), 3);
            CU_ASSERT_EQUAL(retry_interval(conf, NULL, "nothing"), 1);
            CU_ASSERT_EQUAL(retry_interval(conf, NULL, "UPPER"), 1);
            CU_ASSERT_EQUAL(retry_interval(conf, NULL, "LOWER"), 5);
            CU_ASSERT_EQUAL(retry_interval(conf, NULL, "lower"), 5);
            CU_ASSERT_EQUAL(retry_interval(conf, NULL, "mail.other"), 6);
        }
        conf_drop(conf);
    }
    CU_ASSERT(refused("match_cache_size = 0", 1, 20, "match_cache_size: expected"));
}

int main(void)
{
    CU_TestInfo tests[] = {
        {"names", test_names},     {"its size", test_size},   {"its life", test_life},
        {"threads", test_threads}, {"answers", test_answers}, CU_TEST_INFO_NULL,
    };
    return unit_run("match cache", tests);
}
