/* Where delivery goes by DNS: exchangers in order, their absence, and answers that mean no. */
#include "delivery_harness.h"

#include <arpa/inet.h>
#include <string.h>
#include <sys/socket.h>
#include "dns/dns.h"

static const struct slice hello = SLICE_LITERAL("Subject: hi\r\n\r\nhello\r\n");

/* ---- a name server ----------------------------------------------------------------------------------- */

enum { TYPE_A = 1, TYPE_MX = 15, NOERROR = 0, SERVFAIL = 2, NXDOMAIN = 3 };

static const struct zone_row { /* a name without rows does not exist; with rows of other types: no data */
    const char *name;
    int type, code;
    unsigned preference; /* MX */
    const char *data;    /* a host; "" the root; an address */
} zone[] = {
    {"example.net", TYPE_MX, NOERROR, 20, "live.example.net"},
    {"example.net", TYPE_MX, NOERROR, 10, "dead.example.net"},
    {"example.net", TYPE_MX, NOERROR, 5, "gone.example.net"},
    {"dead.example.net", TYPE_A, NOERROR, 0, "127.0.0.2"},
    {"live.example.net", TYPE_A, NOERROR, 0, "127.0.0.1"},
    {"plain.example.net", TYPE_A, NOERROR, 0, "127.0.0.1"},
    {"null.example.net", TYPE_MX, NOERROR, 0, ""},
    {"null.example.net", TYPE_A, NOERROR, 0, "127.0.0.1"},
    {"empty.example.net", 99, NOERROR, 0, ""},
    {"lost.example.net", TYPE_MX, NOERROR, 0, "gone.example.net"},
    {"broken.example.net", TYPE_MX, SERVFAIL, 0, ""},
    {"xn--bcher-kva.example.net", TYPE_MX, NOERROR, 10, "live.example.net"},
};

static int name_server;
static pthread_t name_thread;

static size_t put_name(unsigned char *at, const char *name)
{
    size_t used = 0;
    while (*name) {
        size_t label = strcspn(name, ".");
        at[used++] = (unsigned char)label;
        memcpy(at + used, name, label);
        used += label;
        name += label + (name[label] == '.');
    }
    at[used++] = 0;
    return used;
}

static size_t put_record(unsigned char *at, const struct zone_row *row)
{
    unsigned char data[300];
    size_t size;
    if (row->type == TYPE_A) {
        size = inet_pton(AF_INET, row->data, data) == 1 ? 4 : 0;
    } else {
        data[0] = 0;
        data[1] = (unsigned char)row->preference;
        size = 2 + put_name(data + 2, row->data);
    }
    /* the question's name, type, class IN, 60 seconds, length */
    const unsigned char head[] = {0xc0, 12, 0, (unsigned char)row->type, 0, 1, 0, 0,
                                  0,    60, 0, (unsigned char)size};
    memcpy(at, head, sizeof head);
    memcpy(at + sizeof head, data, size);
    return sizeof head + size;
}

/* Turns a query of one question into its answer; the new size, 0 for something else. */
static size_t answer_query(unsigned char *packet, size_t size)
{
    char name[256] = "";
    size_t at = 12, length = 0;
    while (at < size && packet[at] != 0 && length + packet[at] + 1 < sizeof name) {
        memcpy(name + length, packet + at + 1, packet[at]);
        length += packet[at];
        name[length++] = '.';
        at += packet[at] + 1u;
    }
    name[length ? length - 1 : 0] = '\0';
    if (at + 5 > size)
        return 0;
    int type = packet[at + 2], code = NXDOMAIN;
    unsigned count = 0;
    at += 5;
    for (size_t i = 0; i < sizeof zone / sizeof *zone; i++) {
        if (strcasecmp(zone[i].name, name) != 0)
            continue;
        code = zone[i].code;
        if (zone[i].type == type && code == NOERROR) {
            at += put_record(packet + at, &zone[i]);
            count++;
        }
    }
    packet[2] = 0x84; /* an authoritative answer */
    packet[3] = (unsigned char)(0x80 | code);
    memset(packet + 4, 0, 8);
    packet[5] = 1;
    packet[7] = (unsigned char)count;
    return at;
}

static void *serve_names(void *argument)
{
    unsigned char packet[4096];
    struct sockaddr_in from;
    socklen_t from_size = sizeof from;
    ssize_t got;
    (void)argument;
    while ((got = recvfrom(name_server, packet, 512, 0, (struct sockaddr *)&from, &from_size)) > 1) {
        size_t size = answer_query(packet, (size_t)got);
        if (size)
            sendto(name_server, packet, size, 0, (struct sockaddr *)&from, from_size);
    }
    return NULL;
}

/* Starts it and writes a resolv.conf that names it. */
static void start_names(const char *resolv_conf)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    name_server = socket(AF_INET, SOCK_DGRAM, 0);
    CU_ASSERT_EQUAL_FATAL(bind(name_server, (struct sockaddr *)&address, sizeof address), 0);
    getsockname(name_server, (struct sockaddr *)&address, &size);
    FILE *file = fopen(resolv_conf, "w");
    fprintf(file, "nameserver 127.0.0.1@%u\n", ntohs(address.sin_port));
    fclose(file);
    pthread_create(&name_thread, NULL, serve_names, NULL);
}

/* A datagram of one byte ends it. */
static void stop_names(void)
{
    struct sockaddr_in address;
    socklen_t size = sizeof address;
    getsockname(name_server, (struct sockaddr *)&address, &size);
    sendto(name_server, "", 1, 0, (struct sockaddr *)&address, size);
    pthread_join(name_thread, NULL);
    close(name_server);
}

/* ---- tests ------------------------------------------------------------------------------------------- */

static char folder[UNIT_PATH_SIZE], resolv_conf[UNIT_PATH_SIZE + 16];
static struct server_script script;
static struct server server;
static struct harness harness;

static void start(const char *options)
{
    unit_directory(folder);
    snprintf(resolv_conf, sizeof resolv_conf, "%s/resolv.conf", folder);
    start_names(resolv_conf);
    server_start(&server, &script);
    harness_start(&harness, "resolv_conf = \"%s\" remote_smtp_port = %u %s", resolv_conf, server.port,
                  options);
}

static void stop(unsigned left)
{
    CU_ASSERT_EQUAL(harness_stop_and_count(&harness), left);
    server_stop(&server);
    stop_names();
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
