/* Which policy and which budgets a client of a Listen gets, and how few policies there are. */
#include "smtp/server/listen_policies.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include "module_harness.h"
#include "smtp/server/reply.h"
#include "unit.h"

struct listen { /* the first Listen of a configuration */
    struct modules modules;
    struct policy_table *table;
    struct listen_policies *policies;
};

static void listen_open(struct listen *listen, const char *text)
{
    CU_ASSERT_FATAL(modules_load(&listen->modules, text));
    const struct conf *conf = listen->modules.conf;
    const struct conf_scope *listener = conf_scope_next(conf_root(conf), "esmtp_listener", NULL);
    char error[200];
    listen->table = policy_table_create(&esmtp_policy_kind);
    listen->policies = listen_policies_create(conf, listener, conf_scope_next(listener, "listen", NULL),
                                              listen->modules.set, listen->table, error, sizeof error);
    CU_ASSERT_PTR_NOT_NULL_FATAL(listen->policies);
}

static void listen_close(struct listen *listen)
{
    listen_policies_free(listen->policies);
    policy_table_free(listen->table);
    modules_unload(&listen->modules);
}

/* "unix" is no address. */
static const struct listen_terms *terms_of(const struct listen *listen, const char *local, const char *client)
{
    struct net_addr peer = {.family = AF_UNIX}, own = {.family = AF_UNIX};
    net_addr_parse(&peer, client);
    net_addr_parse(&own, local);
    return listen_policies_find(listen->policies, &own, &peer);
}

static const struct esmtp_policy *policy_of(const struct listen *listen, const char *client)
{
    return terms_of(listen, "192.0.2.250", client)->policy;
}

static unsigned idle_time(const struct listen *listen, const char *client)
{
    return policy_of(listen, client)->idle_time;
}

static void test_clients(void)
{
    struct listen listen;
    listen_open(&listen,
                "Pathway \"slow\" { max_message_size = 5 }\n"
                "ESMTP_Listener {\n"
                "  idle_time = 1\n"
                "  Peer \"10.0.0.0/8\" { idle_time = 2 max_recipients_per_message = 2 }\n"
                "  Peer \"10.0.0.0/32\" { pathway = slow }\n"
                "  Peer \"::/0\" { idle_time = 3 }\n"
                "  Listen \":25\" { Peer \"10.1.0.0/16\" { idle_time = 4 } Peer \"::1\" { idle_time = 5 } }\n"
                "}\n");
    CU_ASSERT_EQUAL(idle_time(&listen, "unix"), 1);
    CU_ASSERT_EQUAL(idle_time(&listen, "192.0.2.1"), 1); /* "::/0" is all of IPv6, and no more */
    CU_ASSERT_EQUAL(idle_time(&listen, "10.2.0.1"), 2);
    CU_ASSERT_EQUAL(idle_time(&listen, "10.1.2.3"), 4);
    CU_ASSERT_EQUAL(policy_of(&listen, "10.1.2.3")->max_recipients_per_message, 2);
    CU_ASSERT_EQUAL(idle_time(&listen, "fd00::1"), 3);
    CU_ASSERT_EQUAL(idle_time(&listen, "::1"), 5);
    /* The pathway of the block's first address is not the block's. */
    CU_ASSERT_STRING_EQUAL(policy_of(&listen, "10.0.0.0")->pathway, "slow");
    CU_ASSERT_EQUAL(policy_of(&listen, "10.0.0.0")->max_message_size, 5);
    CU_ASSERT_STRING_EQUAL(policy_of(&listen, "10.0.0.1")->pathway, "default");
    CU_ASSERT(policy_of(&listen, "10.0.0.1")->max_message_size != 5);
    listen_close(&listen);
}

static void test_all_of_ipv4(void)
{
    struct listen listen;
    listen_open(&listen, "ESMTP_Listener { Peer \"0.0.0.0/0\" { idle_time = 7 } Listen \":25\" { } }");
    CU_ASSERT_EQUAL(idle_time(&listen, "192.0.2.1"), 7);
    CU_ASSERT(idle_time(&listen, "::1") != 7);
    listen_close(&listen);
}

/* Peers that set the same, however it is written, have one policy; what modules make of it is shared, too. */
static void test_sharing(void)
{
    struct listen listen;
    listen_open(&listen,
                "ESMTP_Listener {\n"
                "  Peer \"10.0.0.0/24\" { max_message_size = 1024 relay_hosts = ( \"10.0.0.0/8\" ) }\n"
                "  Peer \"10.0.1.0/24\" { relay_hosts = ( \"10.0.0.0/8\" ) max_message_size = 1k }\n"
                "  Peer \"10.0.2.0/24\" { relay_hosts = ( \"11.0.0.0/8\" ) max_message_size = 1k }\n"
                "  Peer \"10.0.3.0/24\" { max_message_size = 1k }\n"
                "  Listen \":25\" { Peer \"10.0.4.0/24\" { } Peer \"10.0.5.0/24\" { } }\n"
                "}\n");
    CU_ASSERT_PTR_EQUAL(policy_of(&listen, "10.0.0.1"), policy_of(&listen, "10.0.1.1"));
    CU_ASSERT_PTR_NOT_EQUAL(policy_of(&listen, "10.0.0.1"), policy_of(&listen, "10.0.2.1"));
    CU_ASSERT_PTR_NOT_EQUAL(policy_of(&listen, "10.0.0.1"), policy_of(&listen, "10.0.3.1"));
    CU_ASSERT_EQUAL(policy_of(&listen, "10.0.3.1")->max_message_size, 1024);
    CU_ASSERT_PTR_EQUAL(policy_of(&listen, "10.0.4.1"), policy_of(&listen, "10.0.5.1"));
    listen_close(&listen);
}

static void test_vias(void)
{
    struct listen listen;
    listen_open(&listen,
                "ESMTP_Listener {\n"
                "  Via \"10.0.0.0/8\" { idle_time = 2 Peer \"192.0.2.0/24\" { idle_time = 3 } }\n"
                "  Peer \"192.0.2.0/24\" { idle_time = 4 }\n"
                "  Listen \":25\" { idle_time = 1 Via \"10.0.0.1\" { max_recipients_per_message = 9 }\n"
                "                  Via \"::/0\" { idle_time = 5 } }\n"
                "}\n");
    CU_ASSERT_EQUAL(terms_of(&listen, "unix", "unix")->policy->idle_time, 1);
    CU_ASSERT_EQUAL(terms_of(&listen, "198.51.100.1", "198.51.100.2")->policy->idle_time, 1);
    CU_ASSERT_EQUAL(terms_of(&listen, "198.51.100.1", "192.0.2.1")->policy->idle_time, 4);
    CU_ASSERT_EQUAL(terms_of(&listen, "10.9.9.9", "198.51.100.2")->policy->idle_time, 2);
    CU_ASSERT_EQUAL(terms_of(&listen, "10.9.9.9", "192.0.2.1")->policy->idle_time, 3);
    CU_ASSERT_EQUAL(terms_of(&listen, "10.0.0.1", "192.0.2.1")->policy->idle_time, 3);
    CU_ASSERT_EQUAL(terms_of(&listen, "10.0.0.1", "192.0.2.1")->policy->max_recipients_per_message, 9);
    CU_ASSERT_EQUAL(terms_of(&listen, "fd00::1", "fd00::2")->policy->idle_time, 5);
    listen_close(&listen);
}

/* Peers that set the same share a policy, and each has a budget of its own. */
static void test_budgets(void)
{
    struct listen listen;
    listen_open(&listen, "ESMTP_Listener {\n"
                         "  Listener_Sessions = 3\n"
                         "  Peer \"10.0.0.0/8\" { Listener_Sessions = 2 }\n"
                         "  Peer \"11.0.0.0/8\" { Listener_Sessions = 2 }\n"
                         "  Listen \":25\" { }\n"
                         "}\n");
    const struct listen_terms *ten = terms_of(&listen, "unix", "10.0.0.1");
    const struct listen_terms *eleven = terms_of(&listen, "unix", "11.0.0.1");
    const struct listen_terms *others = terms_of(&listen, "unix", "12.0.0.1");
    CU_ASSERT_PTR_EQUAL(ten->policy, eleven->policy);
    CU_ASSERT_EQUAL(session_limits_take(&ten->limits, NULL), SESSION_LIMIT_NONE);
    CU_ASSERT_EQUAL(session_limits_take(&ten->limits, NULL), SESSION_LIMIT_NONE);
    CU_ASSERT_EQUAL(session_limits_take(&ten->limits, NULL), SESSION_LIMIT_SESSIONS);
    CU_ASSERT_EQUAL(session_limits_take(&eleven->limits, NULL), SESSION_LIMIT_NONE);
    CU_ASSERT_EQUAL(session_limits_take(&eleven->limits, NULL), SESSION_LIMIT_SESSIONS); /* the ceiling */
    CU_ASSERT_EQUAL(session_limits_take(&others->limits, NULL), SESSION_LIMIT_SESSIONS);
    /* Another address of the same connection: what both count in is not taken twice, nor given back. */
    CU_ASSERT_EQUAL(session_limits_take(&others->limits, &ten->limits), SESSION_LIMIT_NONE);
    CU_ASSERT_EQUAL(session_limits_take(&ten->limits, &others->limits), SESSION_LIMIT_NONE);
    session_limits_give(&eleven->limits);
    CU_ASSERT_EQUAL(session_limits_take(&others->limits, NULL), SESSION_LIMIT_NONE);
    CU_ASSERT_EQUAL(session_limits_take(&others->limits, NULL), SESSION_LIMIT_SESSIONS);
    for (unsigned i = 0; i < ten->limits.count; i++)
        CU_ASSERT(session_budget_used(ten->limits.items[i].budget) == (i == 0 ? 2 : 3));
    session_limits_give(&ten->limits);
    session_limits_give(&ten->limits);
    session_limits_give(&others->limits);
    for (unsigned i = 0; i < ten->limits.count; i++)
        CU_ASSERT(session_budget_used(ten->limits.items[i].budget) == 0);
    listen_close(&listen);
}

/* A slot that is held through a reload counts against the next generation's limit, however that spells it. */
static void test_reload(void)
{
    struct listen before, after;
    listen_open(&before,
                "ESMTP_Listener { Listen \":25\" { Peer \"10.0.0.0/8\" { Service_Sessions = 5 } } }");
    const struct listen_terms *old = terms_of(&before, "unix", "10.0.0.1");
    CU_ASSERT_EQUAL(session_limits_take(&old->limits, NULL), SESSION_LIMIT_NONE);
    listen_open(&after,
                "ESMTP_Listener { Listen \"*:25\" { Peer \"10.1.2.3/8\" { Service_Sessions = 1 } } }");
    const struct listen_terms *fresh = terms_of(&after, "unix", "10.0.0.2");
    CU_ASSERT_EQUAL(session_limits_take(&fresh->limits, NULL), SESSION_LIMIT_SESSIONS);
    session_limits_give(&old->limits);
    listen_close(&before);
    CU_ASSERT_EQUAL(session_limits_take(&fresh->limits, NULL), SESSION_LIMIT_NONE);
    session_limits_give(&fresh->limits);
    listen_close(&after);
}

enum { THREADS = 4, TRIES = 20000, ROOM = 3 };

static _Atomic int inside, most_inside;

static void *come_and_go(void *argument)
{
    const struct listen_terms *terms = argument;
    for (int i = 0; i < TRIES; i++) {
        if (session_limits_take(&terms->limits, NULL))
            continue;
        int now = atomic_fetch_add(&inside, 1) + 1, most = atomic_load(&most_inside);
        while (now > most && !atomic_compare_exchange_weak(&most_inside, &most, now))
            continue;
        atomic_fetch_sub(&inside, 1);
        session_limits_give(&terms->limits);
    }
    return NULL;
}

static void test_threads(void)
{
    struct listen listen;
    pthread_t threads[THREADS];
    listen_open(&listen, "ESMTP_Listener { Listener_Sessions = 3 Listen \":25\" { } }");
    const struct listen_terms *terms = terms_of(&listen, "unix", "unix");
    for (int i = 0; i < THREADS; i++)
        pthread_create(&threads[i], NULL, come_and_go, (void *)terms);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    CU_ASSERT(atomic_load(&most_inside) <= ROOM);
    for (unsigned i = 0; i < terms->limits.count; i++)
        CU_ASSERT(session_budget_used(terms->limits.items[i].budget) == 0);
    listen_close(&listen);
}

int main(void)
{
    CU_TestInfo tests[] = {
        {"clients", test_clients},
        {"all of IPv4", test_all_of_ipv4},
        {"sharing", test_sharing},
        {"vias", test_vias},
        {"budgets of Peers and a ceiling", test_budgets},
        {"budgets over a reload", test_reload},
        {"budgets on several threads", test_threads},
        CU_TEST_INFO_NULL,
    };
    return unit_run("listen policies", tests);
}
