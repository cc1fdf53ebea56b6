/* inbound_throttle_messages: how many messages may begin in any period, and when. */
#include "throttle/message_throttle.h"

#include <pthread.h>
#include <stdlib.h>
#include "base/mem.h"
#include "conf_harness.h"

enum { SECOND = 1000000 };

static struct message_throttle *throttle_of(const char *text)
{
    struct conf *conf = clean(text);
    struct conf_chain chain;
    conf_chain_global(&chain, conf);
    struct message_throttle *throttle = message_throttle_resolve(&chain);
    conf_drop(conf);
    return throttle;
}

static uint64_t time_for(struct message_throttle *throttle, uint64_t now)
{
    uint64_t when = 0;
    return message_throttle_reserve(throttle, now, &when) ? when - now : UINT64_MAX;
}

static void test_turns(void)
{
    const uint64_t now = 1000 * (uint64_t)SECOND;
    struct message_throttle *throttle = throttle_of("inbound_throttle_messages = \"3/10\"");
    for (unsigned i = 0; i < 3; i++)
        CU_ASSERT_EQUAL(time_for(throttle, now + i), 0);
    CU_ASSERT(time_for(throttle, now + 3) >= 10 * SECOND - 3 &&
              time_for(throttle, now + 3) < 10 * SECOND + 3);
    CU_ASSERT(time_for(throttle, now + 5 * SECOND) >= 5 * SECOND);
    for (unsigned i = 0; i < 15; i++) /* five of these periods are a minute's worth and more */
        time_for(throttle, now + 3);
    CU_ASSERT_EQUAL(time_for(throttle, now + 3), UINT64_MAX);
    CU_ASSERT_EQUAL(time_for(throttle, now + 200 * (uint64_t)SECOND),
                    0); /* and nobody waits for ever after */
    message_throttle_unref(throttle);
    CU_ASSERT_PTR_NULL(throttle_of(""));
    CU_ASSERT_PTR_NULL(throttle_of("inbound_throttle_messages = 0"));
}

/* What another generation counts is what this one does, unless the rate is another. */
static void test_reload(void)
{
    struct message_throttle *before = throttle_of("inbound_throttle_messages = \"1/5\"");
    struct message_throttle *same = throttle_of("inbound_throttle_messages = \"1/5\"");
    struct message_throttle *other = throttle_of("inbound_throttle_messages = \"1/6\"");
    CU_ASSERT_EQUAL(time_for(before, SECOND), 0);
    CU_ASSERT(time_for(same, SECOND) >= 5 * SECOND);
    CU_ASSERT_EQUAL(time_for(other, SECOND), 0);
    message_throttle_unref(before);
    message_throttle_unref(same);
    message_throttle_unref(other);
}

enum { THREADS = 4, EACH = 3000, PER_SECOND = 500 };

struct client {
    pthread_t thread;
    struct message_throttle *throttle;
    uint64_t times[EACH];
};

static void *ask(void *argument)
{
    struct client *client = argument;
    for (uint64_t i = 0; i < EACH; i++)
        if (!message_throttle_reserve(client->throttle, SECOND + i, &client->times[i]))
            client->times[i] = UINT64_MAX;
    return NULL;
}

static int compare_times(const void *left, const void *right)
{
    const uint64_t *a = left, *b = right;
    return (*a > *b) - (*a < *b);
}

/* Whoever asks, and on whichever thread: no second has more than its number, and none is left unused. */
static void test_threads(void)
{
    struct message_throttle *throttle = throttle_of("inbound_throttle_messages = 500");
    struct client *clients = mem_array(THREADS, sizeof *clients);
    uint64_t *all = mem_array(THREADS * EACH, sizeof *all);
    for (int i = 0; i < THREADS; i++) {
        clients[i].throttle = throttle;
        pthread_create(&clients[i].thread, NULL, ask, &clients[i]);
    }
    for (int i = 0; i < THREADS; i++) {
        pthread_join(clients[i].thread, NULL);
        memcpy(all + i * EACH, clients[i].times, sizeof clients[i].times);
    }
    qsort(all, THREADS * EACH, sizeof *all, compare_times);
    unsigned crowded = 0;
    for (int i = PER_SECOND; i < THREADS * EACH; i++)
        crowded += all[i] - all[i - PER_SECOND] < SECOND;
    CU_ASSERT_EQUAL(crowded, 0);
    CU_ASSERT(all[THREADS * EACH - 1] < (THREADS * EACH / PER_SECOND + 1) * (uint64_t)SECOND);
    free(clients);
    free(all);
    message_throttle_unref(throttle);
}

int main(void)
{
    CU_TestInfo tests[] = {
        {"turns", test_turns},
        {"over a reload", test_reload},
        {"on several threads", test_threads},
        CU_TEST_INFO_NULL,
    };
    return unit_run("message throttle", tests);
}
