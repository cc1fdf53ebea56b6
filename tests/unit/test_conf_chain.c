/* Fallback: which scope an option's value comes from, inbound and outbound. */
#include <arpa/inet.h>
#include <pthread.h>
#include "conf_harness.h"

/* The retry_interval (outbound) or idle_time (inbound) tells which level answered. */
static int64_t outbound(const struct conf *conf, const char *binding, const char *domain)
{
    struct conf_chain chain;
    conf_chain_outbound(&chain, conf, binding, domain);
    return conf_chain_int(&chain, "retry_interval");
}

static int64_t inbound_option(const struct conf *conf, const char *listen, const char *peer,
                              const char *option)
{
    uint8_t address[16];
    unsigned bits;
    struct conf_chain chain;
    const struct conf_scope *listener = conf_scope_next(conf_root(conf), "esmtp_listener", NULL);
    bool known = peer && conf_parse_cidr(peer, address, &bits);
    conf_chain_inbound(&chain, conf, listener, listen ? conf_scope_find(listener, "listen", listen) : NULL,
                       known ? address : NULL);
    return conf_chain_int(&chain, option);
}

static int64_t inbound(const struct conf *conf, const char *listen, const char *peer)
{
    return inbound_option(conf, listen, peer, "idle_time");
}

static void test_domains(void)
{
    struct conf *conf =
        clean("retry_interval = 1\n"
              "Domain \"/example/\" { retry_interval = 5 max_retries = 5 }\n"
              "Domain \"/^[a-z.]*$/\" { retry_interval = 6 max_retries = 6 message_expiration = 6 }\n"
              "Domain \"example.com\" { retry_interval = 2 }\n"
              "Domain \"*.example.com\" { retry_interval = 3 }\n"
              "Domain \"*.com\" { retry_interval = 4 }\n");
    CU_ASSERT_EQUAL(outbound(conf, NULL, "example.com"), 2);
    CU_ASSERT_EQUAL(outbound(conf, "", "EXAMPLE.Com"), 2);
    CU_ASSERT_EQUAL(outbound(conf, NULL, "a.b.example.com"), 3);
    CU_ASSERT_EQUAL(outbound(conf, NULL, "example2.com"), 4);
    CU_ASSERT_EQUAL(outbound(conf, NULL, "EXAMPLE.net"), 5);
    CU_ASSERT_EQUAL(outbound(conf, NULL, "other.net"), 6);
    CU_ASSERT_EQUAL(outbound(conf, NULL, "127.0.0.1"), 1);
    CU_ASSERT_EQUAL(outbound(conf, NULL, NULL), 1);
    /* A pattern gives what the more specific stanzas leave open, in order of the file. */
    struct conf_chain chain;
    conf_chain_outbound(&chain, conf, NULL, "example.com");
    CU_ASSERT_EQUAL(conf_chain_int(&chain, "max_retries"), 5);
    CU_ASSERT_EQUAL(conf_chain_int(&chain, "message_expiration"), 6);
    CU_ASSERT_EQUAL(conf_chain_int(&chain, "connect_timeout"), 300);
    CU_ASSERT_EQUAL(conf_chain_value(&chain, "retry_interval")->place.line, 4);
    conf_drop(conf);
}

/* The example of the manual's fallback page. */
static void test_bindings(void)
{
    struct conf *conf = clean("message_expiration = 86400\n"
                              "binding \"example\" { message_expiration = 3600 }\n"
                              "domain \"example.com\" { message_expiration = 120 }\n"
                              "binding \"example2\" {\n"
                              "  message_expiration = 7200\n"
                              "  domain example.com { message_expiration = 86400 }\n"
                              "  domain \"anotherexample.com\" { max_retries = 5 }\n"
                              "}\n"
                              "binding \"example3\" {\n"
                              "  domain \"example.com\" { max_retries = 5 }\n"
                              "  domain \"anotherexample.com\" { message_expiration = 86401 }\n"
                              "}\n");
    static const struct {
        const char *binding, *domain;
        int64_t expected;
    } cases[] = {
        {NULL, "other.com", 86400},
        {NULL, "example.com", 120},
        {"example", "example.com", 3600},
        {"example2", "example.com", 86400},
        {"example2", "anotherexample.com", 7200},
        {"example2", "other.com", 7200},
        {"example3", "anotherexample.com", 86401},
        {"example3", "example.com", 120},
        {"example3", "other.com", 86400},
        {"EXAMPLE", "other.com", 86400}, /* binding names have case */
        {"unknown", "example.com", 120},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct conf_chain chain;
        conf_chain_outbound(&chain, conf, cases[i].binding, cases[i].domain);
        CU_ASSERT_EQUAL(conf_chain_int(&chain, "message_expiration"), cases[i].expected);
    }
    conf_drop(conf);
}

/* Each level answers once the more specific ones are silent. */
static void test_outbound_order(void)
{
    static const char *const levels[] = {
        "Binding_Group g { Binding b { Domain d.e { retry_interval = %d } } }\n",
        "Binding b { Domain d.e { retry_interval = %d } }\n",
        "Binding_Group g { Domain d.e { retry_interval = %d } }\n",
        "Binding_Group g { Binding b { retry_interval = %d } }\n",
        "Binding b { retry_interval = %d }\n",
        "Binding_Group g { retry_interval = %d }\n",
        "Domain d.e { retry_interval = %d }\n",
        "retry_interval = %d\n",
    };
    enum { LEVELS = sizeof levels / sizeof *levels };
    for (int first = 0; first < LEVELS; first++) {
        char text[1000] =
            "Binding_Group g { Binding b { } }\nBinding_Group z { Binding b { retry_interval = 99 } }\n";
        for (int i = LEVELS - 1; i >= first; i--) {
            size_t used = strlen(text);
            snprintf(text + used, sizeof text - used, levels[i], i + 10);
        }
        struct conf *conf = clean(text);
        CU_ASSERT_EQUAL(outbound(conf, "b", "d.e"), first + 10);
        conf_drop(conf);
    }
    struct conf *conf =
        clean("Binding default { retry_interval = 2 }\nBinding_Group default { max_retries = 3 }\n");
    struct conf_chain chain;
    conf_chain_outbound(&chain, conf, NULL, "d.e");
    CU_ASSERT_EQUAL(conf_chain_int(&chain, "retry_interval"), 2);
    CU_ASSERT_EQUAL(conf_chain_int(&chain, "max_retries"), 3);
    conf_drop(conf);
}

static void test_peers(void)
{
    struct conf *conf = clean("ESMTP_Listener {\n"
                              "  idle_time = 1\n"
                              "  Peer \"10.0.0.0/8\" { idle_time = 8 }\n"
                              "  Peer \"10.1.0.0/16\" { idle_time = 16 }\n"
                              "  Peer \"0.0.0.0/0\" { idle_time = 4 }\n"
                              "  Peer \"::/0\" { idle_time = 6 }\n"
                              "  Peer \"fd00::/9\" { idle_time = 9 }\n"
                              "  Listen \":25\" {\n"
                              "    Peer \"10.1.2.77/24\" { idle_time = 24 }\n"
                              "    Peer \"10.0.0.0/8\" { idle_time = 88 }\n"
                              "    Peer \"10.1.2.3\" { idle_time = 32 }\n"
                              "  }\n"
                              "  Listen \":26\" { idle_time = 2 }\n"
                              "}\n");
    CU_ASSERT_EQUAL(inbound(conf, ":25", "10.1.2.3"), 32);
    CU_ASSERT_EQUAL(inbound(conf, ":25", "10.1.2.4"), 24);
    CU_ASSERT_EQUAL(inbound(conf, ":25", "10.1.3.4"), 16); /* the listener's is longer than the Listen's */
    CU_ASSERT_EQUAL(inbound(conf, ":25", "10.2.0.1"), 88); /* at equal length the Listen's */
    CU_ASSERT_EQUAL(inbound(conf, ":26", "10.2.0.1"), 8);
    CU_ASSERT_EQUAL(inbound(conf, NULL, "10.2.0.1"), 8);
    CU_ASSERT_EQUAL(inbound(conf, ":25", "11.0.0.1"), 4); /* an IPv6 block holds no IPv4 address */
    CU_ASSERT_EQUAL(inbound(conf, ":25", "2001:db8::1"), 6);
    CU_ASSERT_EQUAL(inbound(conf, ":25", "fd7f::1"), 9);
    CU_ASSERT_EQUAL(inbound(conf, ":25", "fd80::1"), 6);
    CU_ASSERT_EQUAL(inbound(conf, ":25", NULL), 1); /* a Unix socket */
    CU_ASSERT_EQUAL(inbound(conf, ":26", NULL), 2);
    CU_ASSERT_PTR_NOT_NULL(at(conf, "esmtp_listener", "", "listen", ":25", "peer", "10.1.2.0/24", NULL));
    CU_ASSERT_PTR_NULL(at(conf, "esmtp_listener", "", "listen", ":25", "peer", "10.1.2.0/25", NULL));
    CU_ASSERT_PTR_NULL(at(conf, "esmtp_listener", "", "peer", "nonsense", NULL));
    conf_drop(conf);
}

static void test_pathways(void)
{
    struct conf *conf = clean("rfc2822_lone_lf_in_body = fix\n"
                              "Pathway one { idle_time = 11 banner_hostname = one }\n"
                              "Pathway_Group g {\n"
                              "  idle_time = 12 max_message_size = 12 banner_hostname = group\n"
                              "  Pathway two { idle_time = 13 }\n"
                              "  Pathway one { max_message_size = 14 }\n"
                              "}\n"
                              "ESMTP_Listener {\n"
                              "  Listen \":1\" { Pathway = ONE }\n"
                              "  Listen \":2\" { Pathway = one Peer \"10.0.0.0/8\" { Pathway = two } }\n"
                              "  Listen \":3\" { Pathway = one idle_time = 15 }\n"
                              "  Listen \":4\" { Pathway = missing }\n"
                              "}\n");
    CU_ASSERT_EQUAL(inbound(conf, ":1", "10.0.0.1"), 11);
    CU_ASSERT_EQUAL(inbound(conf, ":2", "10.0.0.1"), 13);
    CU_ASSERT_EQUAL(inbound(conf, ":2", "11.0.0.1"), 11);
    CU_ASSERT_EQUAL(inbound(conf, ":3", "10.0.0.1"), 15);
    CU_ASSERT_EQUAL(inbound(conf, ":4", "10.0.0.1"), 300);
    CU_ASSERT_EQUAL(inbound_option(conf, ":1", NULL, "max_message_size"), 14);
    CU_ASSERT_EQUAL(inbound_option(conf, ":2", "10.0.0.1", "max_message_size"), 12);
    conf_drop(conf);
}

/* However many stanzas apply, the chain keeps its size and ends in the general levels. */
static void test_bounds(void)
{
    static char text[40000];
    size_t used = (size_t)snprintf(text, sizeof text, "retry_interval = 7\nESMTP_Listener { idle_time = 5\n");
    for (int bits = 0; bits <= 128; bits++)
        used += (size_t)snprintf(text + used, sizeof text - used, "Peer \"::/%d\" { }\n", bits);
    used += (size_t)snprintf(text + used, sizeof text - used, "Listen \":25\" {\n");
    for (int bits = 0; bits <= 128; bits++)
        used += (size_t)snprintf(text + used, sizeof text - used, "Peer \"::/%d\" { }\n", bits);
    used += (size_t)snprintf(text + used, sizeof text - used, "} }\n");
    for (int i = 0; i < 200; i++)
        used += (size_t)snprintf(text + used, sizeof text - used, "Domain \"/.{0,%d}/\" { }\n", i);
    struct conf *conf = clean(text);
    CU_ASSERT_EQUAL(inbound(conf, ":25", "::"), 5);
    CU_ASSERT_EQUAL(outbound(conf, NULL, "a.example"), 7);
    conf_drop(conf);
}

/* A pattern that backtracks without end does not match, and does not take long to say so. */
static void test_catastrophe(void)
{
    struct conf *conf = clean("retry_interval = 1\nDomain \"/^(a+)+$/\" { retry_interval = 2 }\n");
    CU_ASSERT_EQUAL(outbound(conf, NULL, "aaaa"), 2);
    CU_ASSERT_EQUAL(
        outbound(conf, NULL, "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.example"), 1);
    conf_drop(conf);
}

/* ---- generations ----------------------------------------------------------------------------- */

static void test_generations(void)
{
    struct conf *first = clean("hostname = a");
    conf_report_free(found);
    struct conf *none = conf_of("bogus = 1");
    CU_ASSERT_PTR_NULL(none);
    conf_report_free(found);
    struct conf *second = clean("hostname = b");
    CU_ASSERT_EQUAL(conf_generation(second),
                    conf_generation(first) + 1); /* a failed load counts for nothing */
    CU_ASSERT_PTR_EQUAL(conf_ref(first), first);
    conf_unref(first);
    CU_ASSERT_STRING_EQUAL(text_of(conf_root(first), "hostname"), "a");
    conf_unref(first);
    conf_unref(NULL);
    conf_drop(second);
}

static void *read_and_drop(void *argument)
{
    struct conf *conf = argument;
    bool good = true;
    for (int i = 0; i < 1000; i++) {
        struct conf *own = conf_ref(conf);
        good = good && outbound(own, "b", "x.example") == 3 && outbound(own, NULL, "d") == 2;
        conf_unref(own);
    }
    conf_unref(conf);
    return good ? argument : NULL;
}

static void *load_again(void *argument)
{
    static const char text[] = "Domain \"/x/\" { retry_interval = 3 }";
    for (int i = 0; i < 20; i++) {
        struct conf_report *report;
        struct conf *conf = conf_load_text("again", text, sizeof text - 1, NULL, &report);
        conf_report_free(report);
        conf_unref(conf);
    }
    return argument;
}

static void test_threads(void)
{
    enum { THREADS = 4 };
    struct conf *conf = clean("Domain d { retry_interval = 2 }\nDomain \"/x/\" { retry_interval = 3 }\n");
    pthread_t threads[2 * THREADS];
    for (int i = 0; i < THREADS; i++) {
        pthread_create(&threads[i], NULL, read_and_drop, conf_ref(conf));
        pthread_create(&threads[THREADS + i], NULL, load_again, conf);
    }
    conf_drop(conf);
    for (int i = 0; i < 2 * THREADS; i++) {
        void *result = NULL;
        pthread_join(threads[i], &result);
        CU_ASSERT_PTR_NOT_NULL(result);
    }
}

int main(void)
{
    CU_TestInfo tests[] = {
        {"domains", test_domains},
        {"bindings", test_bindings},
        {"the order of the outbound levels", test_outbound_order},
        {"peers", test_peers},
        {"pathways", test_pathways},
        {"bounds", test_bounds},
        {"a pattern without end", test_catastrophe},
        {"generations", test_generations},
        {"threads", test_threads},
        CU_TEST_INFO_NULL,
    };
    return unit_run("chain", tests);
}
