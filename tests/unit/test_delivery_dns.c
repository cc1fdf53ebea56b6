/* Where delivery goes by DNS: exchangers in order, their absence, and answers that mean no. */
#include "delivery_harness.h"

#include <string.h>
#include "dns/dns.h"
#include "name_server.h"

static const struct slice hello = SLICE_LITERAL("Subject: hi\r\n\r\nhello\r\n");

/* ---- a name server ----------------------------------------------------------------------------------- */

static const struct zone_row zone[] = {
    {"example.net", DNS_MX, NOERROR, RDATA("\0\24\4live\7example\3net\0")},
    {"example.net", DNS_MX, NOERROR, RDATA("\0\12\4dead\7example\3net\0")},
    {"example.net", DNS_MX, NOERROR, RDATA("\0\5\4gone\7example\3net\0")},
    {"dead.example.net", DNS_A, NOERROR, RDATA("\177\0\0\2")},
    {"live.example.net", DNS_A, NOERROR, RDATA("\177\0\0\1")},
    {"plain.example.net", DNS_A, NOERROR, RDATA("\177\0\0\1")},
    {"null.example.net", DNS_MX, NOERROR, RDATA("\0\0\0")},
    {"null.example.net", DNS_A, NOERROR, RDATA("\177\0\0\1")},
    {"empty.example.net", DNS_TXT, NOERROR, RDATA("\0")},
    {"lost.example.net", DNS_MX, NOERROR, RDATA("\0\0\4gone\7example\3net\0")},
    {"broken.example.net", DNS_MX, SERVFAIL, RDATA("\0\0\0")},
    {"xn--bcher-kva.example.net", DNS_MX, NOERROR, RDATA("\0\12\4live\7example\3net\0")},
};

/* ---- tests ------------------------------------------------------------------------------------------- */

static char folder[UNIT_PATH_SIZE], resolv_conf[UNIT_PATH_SIZE + 16];
static struct server_script script;
static struct server server;
static struct harness harness;
static struct name_server names;

static void start(const char *options)
{
    unit_directory(folder);
    snprintf(resolv_conf, sizeof resolv_conf, "%s/resolv.conf", folder);
    name_server_start(&names, zone, sizeof zone / sizeof *zone, resolv_conf);
    server_start(&server, &script);
    harness_start(&harness, "resolv_conf = \"%s\" remote_smtp_port = %u %s", resolv_conf, server.port,
                  options);
}

static void stop(unsigned left)
{
    CU_ASSERT_EQUAL(harness_stop_and_count(&harness), left);
    server_stop(&server);
    name_server_stop(&names);
    unit_directory_remove(folder);
}

static void test_delivered_by_dns(void)
{
    start("");
    harness_send(&harness, "", "a@example.net", hello); /* the third exchanger is the first that is there */
    CU_ASSERT_STRING_EQUAL(event_wait('D', 0).peer, "127.0.0.1");
    harness_send(&harness, "", "a@plain.example.net", hello);
    event_wait('D', 1);
    harness_send(&harness, "", "a@[127.0.0.1]", hello);
    event_wait('D', 2);
    harness_send(&harness, "", "a@localhost", hello); /* from the hosts file */
    event_wait('D', 3);
    CU_ASSERT_EQUAL(event_count('T') + event_count('P'), 0);
    stop(0);
}

/* RFC 6531 section 3.3: the next hop is found by the A-labels, and told the address as it is. */
static void test_a_domain_beyond_ascii(void)
{
    script.ehlo = "250-test\r\n250 SMTPUTF8";
    start("");
    script.ehlo = NULL;
    harness_send(&harness, "",
                 "a@B\xc3\xbc"
                 "cher.example.net",
                 hello);
    event_wait('D', 0);
    char *commands = server_text(&server, &server.commands);
    CU_ASSERT_PTR_NOT_NULL(strstr(commands, "RCPT TO:<a@B\xc3\xbc"
                                            "cher.example.net>"));
    free(commands);
    stop(0);
}

static void check_outcome(const char *options, const char *to, char kind, const char *response)
{
    start(options);
    harness_send(&harness, "", to, hello);
    struct event event = event_wait(kind, 0);
    CU_ASSERT_STRING_EQUAL(event.response, response);
    CU_ASSERT_EQUAL(event.stage, 0);
    CU_ASSERT_EQUAL(server.connections, 0);
    stop(kind == 'T');
}

static void test_not_deliverable_by_dns(void)
{
    check_outcome("", "a@null.example.net", 'P', "550 5.4.4 [internal] NULL MX domain does not accept mail");
    check_outcome("", "a@gone.example.net", 'P', "554 5.4.4 [internal] Domain Lookup Failed");
    check_outcome("", "a@empty.example.net", 'T', "454 4.4.4 [internal] no MX or A for domain");
    check_outcome("", "a@broken.example.net", 'T', "451 4.4.1 [internal] No valid hosts");
}

/* A wrong name in our own configuration is not the sender's fault. */
static void test_a_route_that_does_not_exist(void)
{
    check_outcome("gateway = \"gone.example.net\"", "a@plain.example.net", 'T',
                  "451 4.4.1 [internal] No valid hosts");
}

static void test_routes_by_name(void)
{
    start("domain \"one.example\" { routes = ( \"plain.example.net\" ) } "
          "domain \"two.example\" { routes = ( \"smtp://example.net?type=mx\" ) } "
          "domain \"null.example.net\" { routes = ( \"__mx__\" \"plain.example.net\" ) }");
    harness_send(&harness, "", "a@one.example", hello);
    event_wait('D', 0);
    harness_send(&harness, "", "a@two.example", hello);
    event_wait('D', 1);
    harness_send(&harness, "", "a@null.example.net", hello);
    event_wait('D', 2);
    stop(0);
}

static void test_bad_resolv_conf(void)
{
    char error[200];
    CU_ASSERT_FALSE(resolver_check(&(struct resolver_settings){.resolv_conf = "/nonexistent/resolv.conf"},
                                   error, sizeof error));
    CU_ASSERT_EQUAL(strncmp(error, "resolv_conf /nonexistent/resolv.conf: ", 38), 0);
}

int main(void)
{
    CU_TestInfo tests[] = {
        {"delivered by DNS", test_delivered_by_dns},
        {"a domain beyond ASCII", test_a_domain_beyond_ascii},
        {"not deliverable by DNS", test_not_deliverable_by_dns},
        {"a route that does not exist", test_a_route_that_does_not_exist},
        {"routes by name", test_routes_by_name},
        {"a bad resolv_conf", test_bad_resolv_conf},
        CU_TEST_INFO_NULL,
    };
    return unit_run("delivery by DNS", tests);
}
