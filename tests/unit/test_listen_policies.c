/* Which policy a client of a Listen gets, and how few policies there are. */
#include "smtp/listen_policies.h"

#include <stdio.h>
#include <string.h>
#include "module_harness.h"
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
    listen->table = policy_table_create();
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

static const struct esmtp_policy *policy_of(const struct listen *listen, const char *client)
{
    struct net_addr peer = {.family = AF_UNIX};
    net_addr_parse(&peer, client); /* "unix" is none */
    return listen_policies_find(listen->policies, &peer);
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

int main(void)
{
    CU_TestInfo tests[] = {
        {"clients", test_clients},
        {"all of IPv4", test_all_of_ipv4},
        {"sharing", test_sharing},
        CU_TEST_INFO_NULL,
    };
    return unit_run("listen policies", tests);
}
