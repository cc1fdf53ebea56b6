/* Connections of deliveries that break, hosts that are not there, and which one is tried. */
#include "delivery_harness.h"

#include <errno.h>
#include <netinet/in.h>
#include <sys/socket.h>

static const struct slice hello = SLICE_LITERAL("Subject: hi\r\n\r\nhello\r\n");

/* ---- connections that break -------------------------------------------------------------------------- */

static void check_transient(const struct server_script *script, const char *options, unsigned stage,
                            const char *response)
{
    struct server server;
    struct harness harness;
    server_start(&server, script);
    harness_start(&harness, "gateway = \"127.0.0.1:%u\" %s", server.port, options);
    harness_send(&harness, "a@example.com", "b@example.net", hello);
    struct event event = event_wait('T', 0);
    CU_ASSERT_EQUAL(event.stage, stage);
    CU_ASSERT_STRING_EQUAL(event.response, response);
    CU_ASSERT_EQUAL(harness_stop_and_count(&harness), 1);
    server_stop(&server);
}

static void test_broken_connections(void)
{
    static const char closed[] = "451 4.4.2 [internal] connection closed by remote host";
    check_transient(&(struct server_script){.banner = "!"}, "", 12, closed);
    check_transient(&(struct server_script){.ehlo = "!"}, "", 10, closed);
    check_transient(&(struct server_script){.mail = "!"}, "", 2, closed);
    check_transient(&(struct server_script){.data = "!"}, "", 6, closed);
    check_transient(&(struct server_script){.final = "!"}, "", 9, closed);
    check_transient(&(struct server_script){.banner = "421 4.3.2 busy"}, "", 12, "421 4.3.2 busy");
    check_transient(&(struct server_script){.banner = "554 5.7.1 go away"}, "", 12, "554 5.7.1 go away");
    check_transient(&(struct server_script){.ehlo = "421 busy"}, "", 10, "421 busy");
    check_transient(&(struct server_script){.mail = "421 4.3.2 closing"}, "", 2, "421 4.3.2 closing");
    check_transient(&(struct server_script){.data = "250 what"}, "", 6, "250 what");
    check_transient(&(struct server_script){.banner = "gibberish"}, "", 12, "451 4.4.2 [internal] no banner");
}

static void test_timeouts(void)
{
    check_transient(&(struct server_script){.banner = "-"}, "ehlo_timeout = 1", 12,
                    "451 4.4.2 [internal] no banner");
    check_transient(&(struct server_script){.ehlo = "250 plain", .mail = "-"}, "mailfrom_timeout = 1", 2,
                    "451 4.4.2 [internal] no MAIL FROM response");
    check_transient(&(struct server_script){.final = "-"}, "body_timeout = 1", 9,
                    "451 4.4.2 [internal] no BODY response");
}

/* The messages behind the one that the server closed on go out on the next connection, untried. */
static void test_only_one_message_pays_for_a_close(void)
{
    struct server server;
    struct harness harness;
    server_start(&server, &(struct server_script){.final = "250 ok|250 ok|!|250 ok"});
    harness_start(&harness, "gateway = \"127.0.0.1:%u\" max_outbound_connections = 1 suspend_delivery = true",
                  server.port);
    for (unsigned i = 0; i < 12; i++)
        harness_send(&harness, "a@example.com", "b@example.net", hello);
    harness_reconfigure(&harness, "gateway = \"127.0.0.1:%u\" max_outbound_connections = 1", server.port);
    event_wait('D', 10);
    CU_ASSERT_EQUAL(event_wait('T', 0).stage, 9);
    CU_ASSERT_EQUAL(event_count('T'), 1);
    CU_ASSERT_EQUAL(server.connections, 2);
    CU_ASSERT_EQUAL(harness_stop_and_count(&harness), 1);
    server_stop(&server);
}

/* A server that never replies to one message does not hold up the others. */
static void test_a_stuck_connection(void)
{
    struct server server;
    struct harness harness;
    server_start(&server, &(struct server_script){.final = "-|250 ok"});
    harness_start(&harness, "gateway = \"127.0.0.1:%u\" body_timeout = 3", server.port);
    harness_send(&harness, "", "b@example.net", hello);
    server_wait(&server, 1);
    harness_send(&harness, "", "b@example.net", hello);
    event_wait('D', 0);
    CU_ASSERT_EQUAL(event_count('T'), 0);
    CU_ASSERT_EQUAL(server.connections, 2);
    CU_ASSERT_EQUAL(event_wait('T', 0).stage, 9);
    CU_ASSERT_EQUAL(harness_stop_and_count(&harness), 1);
    server_stop(&server);
}

/* ---- which host, and from where --------------------------------------------------------------------- */

static void test_nobody_listens(void)
{
    struct harness harness;
    harness_start(&harness, "gateway = \"127.0.0.1:%u\"", server_free_port());
    for (unsigned i = 0; i < 5; i++)
        harness_send(&harness, "a@example.com", "b@example.net", hello);
    struct event event = event_wait('T', 4);
    CU_ASSERT_EQUAL(event.stage, 0);
    CU_ASSERT_STRING_EQUAL(event.peer, "127.0.0.1");
    CU_ASSERT_STRING_EQUAL(event.response,
                           "421 4.4.0 [internal] no MXs for this domain could be reached at this time");
    CU_ASSERT_EQUAL(harness_stop_and_count(&harness), 5);
}

static void test_the_next_host_is_tried(void)
{
    struct server server, grumpy;
    struct harness harness;
    server_start(&server, &(struct server_script){0});
    server_start(&grumpy, &(struct server_script){.banner = "554 no"});
    harness_start(&harness,
                  "routes = ( \"smtp://127.0.0.1:%u?pref=30\" \"smtp://127.0.0.1?pref=10&port=%u\" "
                  "\"smtp://127.0.0.1:%u?pref=20\" )",
                  server.port, server_free_port(), grumpy.port);
    harness_send(&harness, "a@example.com", "b@example.net", hello);
    event_wait('D', 0);
    CU_ASSERT_EQUAL(event_count('T'), 0);
    CU_ASSERT_EQUAL(grumpy.connections, 1);
    harness_stop(&harness);
    server_stop(&server);
    server_stop(&grumpy);
}

static void test_equal_hosts_take_turns(void)
{
    struct server one, two;
    struct harness harness;
    server_start(&one, &(struct server_script){0});
    server_start(&two, &(struct server_script){0});
    harness_start(&harness,
                  "routes = ( \"smtp://127.0.0.1:%u?pref=10\" \"smtp://127.0.0.1:%u?pref=10\" ) "
                  "max_deliveries_per_connection = 1 max_outbound_connections = 1",
                  one.port, two.port);
    for (unsigned i = 0; i < 6; i++)
        harness_send(&harness, "a@example.com", "b@example.net", hello);
    event_wait('D', 5);
    CU_ASSERT_EQUAL(one.messages, 3);
    CU_ASSERT_EQUAL(two.messages, 3);
    harness_stop(&harness);
    server_stop(&one);
    server_stop(&two);
}

/* What connect(2) does: nothing special; no IPv6 on this machine; no free port of TCP for `portless`. */
static _Atomic bool without_ipv6;
static _Atomic unsigned portless;

int __real_connect(int fd, const struct sockaddr *address, socklen_t size);
int __wrap_connect(int fd, const struct sockaddr *address, socklen_t size);
int __wrap_connect(int fd, const struct sockaddr *address, socklen_t size)
{
    int type = 0;
    socklen_t type_size = sizeof type;
    getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &type_size);
    bool lacks_port = address->sa_family == AF_INET && type == SOCK_STREAM && portless != 0 &&
                      ntohs(((const struct sockaddr_in *)(const void *)address)->sin_port) == portless;
    if (!lacks_port && !(without_ipv6 && address->sa_family == AF_INET6))
        return __real_connect(fd, address, size);
    errno = EADDRNOTAVAIL;
    return -1;
}

/* A host with an IPv6 address is reached by its other one where there is no IPv6; with no other, it is tried in vain. */
static void test_a_machine_without_ipv6(void)
{
    struct server server;
    struct harness harness;
    server_start(&server, &(struct server_script){0});
    without_ipv6 = true;
    harness_start(&harness,
                  "routes = ( \"smtp://[::1]:%u?pref=10\" \"smtp://127.0.0.1:%u?pref=20\" ) "
                  "domain \"six.example\" { routes = ( \"smtp://[::1]:%u\" ) }",
                  server.port, server.port, server.port);
    harness_send(&harness, "a@example.com", "b@example.net", hello);
    CU_ASSERT_EQUAL(event_wait('D', 0).kind, 'D');
    harness_send(&harness, "a@example.com", "b@six.example", hello);
    CU_ASSERT_EQUAL(event_wait('T', 0).kind, 'T');
    CU_ASSERT_EQUAL(harness_stop_and_count(&harness), 1);
    without_ipv6 = false;
    server_stop(&server);
}

/* No port is free for one host: another one is tried; and without another, the message waits and nothing is counted. */
static void test_a_host_without_a_free_port(void)
{
    struct server server;
    struct harness harness;
    server_start(&server, &(struct server_script){0});
    portless = server_free_port();
    harness_start(&harness,
                  "routes = ( \"smtp://127.0.0.1:%u?pref=10\" \"smtp://127.0.0.1:%u?pref=20\" ) "
                  "domain \"one.example\" { routes = ( \"smtp://127.0.0.1:%u\" ) }",
                  (unsigned)portless, server.port, (unsigned)portless);
    harness_send(&harness, "a@example.com", "b@example.net", hello);
    CU_ASSERT_EQUAL(event_wait('D', 0).kind, 'D');
    harness_send(&harness, "a@example.com", "b@one.example", hello);
    char *line = NULL;
    do {
        free(line);
        usleep(1000);
        line = harness_last_line();
    } while (!strstr(line, "no connection can be begun"));
    free(line);
    CU_ASSERT_EQUAL(event_count('T'), 0);
    portless = 0; /* now it is tried: nobody listens */
    CU_ASSERT_EQUAL(event_wait('T', 0).kind, 'T');
    CU_ASSERT_EQUAL(event_wait('T', 0).retries, 0);
    CU_ASSERT_EQUAL(harness_stop_and_count(&harness), 1);
    server_stop(&server);
}

static unsigned connections_of(struct server *server)
{
    pthread_mutex_lock(&server->lock);
    unsigned connections = server->connections;
    pthread_mutex_unlock(&server->lock);
    return connections;
}

static void test_bind_address(void)
{
    struct server server;
    struct harness harness;
    server_start(&server, &(struct server_script){0});
    harness_start(&harness,
                  "gateway = \"127.0.0.1:%u\" binding \"out\" { bind_address = \"192.0.2.77\" } "
                  "bind_address = \"192.0.2.77\"",
                  server.port);
    harness_send(&harness, "a@example.com", "b@example.net", hello);
    CU_ASSERT_STRING_EQUAL(event_wait('T', 0).response, "451 4.4.1 [internal] cannot bind to 192.0.2.77");
    CU_ASSERT_EQUAL(harness_stop_and_count(&harness), 1);
    server_stop(&server);
}

/* Three domains through a binding that may have one connection: one after the other; another binding is not held up. */
static void test_a_binding_limits_its_connections(void)
{
    struct server server;
    struct harness harness;
    struct envelope_facts through[3], past;
    static const char *const recipients[] = {"b@d0.example", "b@d1.example", "b@d2.example"};
    server_start(&server, &(struct server_script){.banner = "-|220 ready"});
    harness_start(&harness,
                  "gateway = \"127.0.0.1:%u\" ehlo_timeout = 2 retry_interval = 1 idle_timeout = 1 "
                  "binding \"narrow\" { server_max_outbound_connections = 1 }",
                  server.port);
    for (size_t i = 0; i < 3; i++)
        through[i] = (struct envelope_facts){.recipient = slice_text(recipients[i]),
                                             .binding = SLICE_LITERAL("narrow")};
    past = (struct envelope_facts){.recipient = SLICE_LITERAL("b@other.example"),
                                   .binding = SLICE_LITERAL("wide")};
    harness_send_facts(&harness, through, 1, hello);
    while (connections_of(&server) < 1)
        usleep(1000);
    harness_send_facts(&harness, through + 1, 2, hello); /* the silent connection holds them up */
    harness_send_facts(&harness, &past, 1, hello);
    CU_ASSERT_STRING_EQUAL(event_wait('D', 0).binding, "wide");
    CU_ASSERT_EQUAL(event_count('T'), 0);
    CU_ASSERT_EQUAL(connections_of(&server), 2);
    CU_ASSERT_EQUAL(event_wait('D', 3).kind, 'D');
    harness_stop(&harness);
    server_stop(&server);
}

int main(void)
{
    CU_TestInfo tests[] = {
        {"broken connections", test_broken_connections},
        {"timeouts", test_timeouts},
        {"one message pays for a close", test_only_one_message_pays_for_a_close},
        {"a stuck connection", test_a_stuck_connection},
        {"nobody listens", test_nobody_listens},
        {"the next host is tried", test_the_next_host_is_tried},
        {"equal hosts take turns", test_equal_hosts_take_turns},
        {"bind_address", test_bind_address},
        {"a machine without IPv6", test_a_machine_without_ipv6},
        {"a host without a free port", test_a_host_without_a_free_port},
        {"a binding limits its connections", test_a_binding_limits_its_connections},
        CU_TEST_INFO_NULL,
    };
    return unit_run("delivery: hosts", tests);
}
