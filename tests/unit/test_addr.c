/* Addresses between text, socket and binary form. */
#include "unit.h"

#include <arpa/inet.h>
#include <string.h>
#include "net/addr.h"

static const char *again(const char *text)
{
    static char formatted[NET_ADDR_TEXT_SIZE];
    struct net_addr addr;
    return net_addr_parse(&addr, text) ? net_addr_format(&addr, formatted) : "not an address";
}

static void test_parse(void)
{
    static const char *const bad[] = {
        "",
        "10.0.0",
        "10.0.0.1:25",
        "10.0.0.256",
        "010.0.0.1",
        " 10.0.0.1",
        "[10.0.0.1]",
        "[::1",
        "::1]",
        "[]",
        "::1::",
        "localhost",
        "[::1]:25",
        "*",
        "unix",
        "::1%",
        "::1%nosuchinterface",
        "1234567890123456789012345678901234567890123456789012345678901234567890::"};
    CU_ASSERT_STRING_EQUAL(again("10.0.0.1"), "10.0.0.1");
    CU_ASSERT_STRING_EQUAL(again("::1"), "::1");
    CU_ASSERT_STRING_EQUAL(again("[::1]"), "::1");
    CU_ASSERT_STRING_EQUAL(again("2001:0DB8:0:0:1:0:0:1"), "2001:db8::1:0:0:1");
    CU_ASSERT_STRING_EQUAL(again("[::192.168.0.1]"), "::192.168.0.1");
    CU_ASSERT_STRING_EQUAL(again("::C0A8:1"), "::192.168.0.1");
    CU_ASSERT_STRING_EQUAL(again("::ffff:10.0.0.1"), "10.0.0.1"); /* one peer, one form */
    CU_ASSERT_STRING_EQUAL(again("fe80::1%7"), "fe80::1%7");
    CU_ASSERT_STRING_EQUAL(again("[fe80::1%lo]"), "fe80::1%1");
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct net_addr addr;
        CU_ASSERT_FALSE(net_addr_parse(&addr, bad[i]));
    }
}

static void test_format(void)
{
    char text[NET_ADDR_TEXT_SIZE];
    struct net_addr addr = {.family = AF_UNSPEC};
    CU_ASSERT_STRING_EQUAL(net_addr_format(&addr, text), "");
    CU_ASSERT_STRING_EQUAL(net_addr_format_port(&addr, text), "");
    addr.family = AF_UNIX;
    CU_ASSERT_STRING_EQUAL(net_addr_format(&addr, text), "unix");
    CU_ASSERT_STRING_EQUAL(net_addr_format_port(&addr, text), "unix");
    CU_ASSERT(net_addr_parse(&addr, "10.0.0.1"));
    addr.port = 25;
    CU_ASSERT_STRING_EQUAL(net_addr_format_port(&addr, text), "10.0.0.1:25");
    CU_ASSERT(net_addr_parse(&addr, "1111:2222:3333:4444:5555:6666:7777:8888%4294967295"));
    addr.port = 65535;
    CU_ASSERT_STRING_EQUAL(net_addr_format_port(&addr, text),
                           "[1111:2222:3333:4444:5555:6666:7777:8888%4294967295]:65535");
}

static void test_sockaddr(void)
{
    static const char *const texts[] = {"127.0.0.1", "0.0.0.0", "::1", "fe80::1%1", "2001:db8::25"};
    struct sockaddr_storage sa;
    struct net_addr addr, back;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        CU_ASSERT(net_addr_parse(&addr, texts[i]));
        addr.port = 2525;
        socklen_t size = net_addr_to_sockaddr(&addr, &sa);
        CU_ASSERT_EQUAL(size,
                        addr.family == AF_INET ? sizeof(struct sockaddr_in) : sizeof(struct sockaddr_in6));
        net_addr_from_sockaddr(&back, (struct sockaddr *)&sa);
        CU_ASSERT(net_addr_equal(&addr, &back));
        back.port++;
        CU_ASSERT_FALSE(net_addr_equal(&addr, &back));
    }
    struct sockaddr_in6 mapped = {.sin6_family = AF_INET6, .sin6_port = htons(25)};
    inet_pton(AF_INET6, "::ffff:192.0.2.1", &mapped.sin6_addr);
    net_addr_from_sockaddr(&back, (struct sockaddr *)&mapped);
    CU_ASSERT(net_addr_parse(&addr, "192.0.2.1"));
    addr.port = 25;
    CU_ASSERT(net_addr_equal(&addr, &back));
    net_addr_from_sockaddr(&back, (struct sockaddr *)&(struct sockaddr_un){.sun_family = AF_UNIX});
    CU_ASSERT_EQUAL(back.family, AF_UNIX);
    net_addr_from_sockaddr(&back, &(struct sockaddr){.sa_family = AF_APPLETALK});
    CU_ASSERT_EQUAL(back.family, AF_UNSPEC);
}

static void test_equal(void)
{
    struct net_addr a, b;
    CU_ASSERT(net_addr_parse(&a, "10.0.0.1") && net_addr_parse(&b, "10.0.0.1"));
    memset(b.bytes + 4, 0xff, 12); /* bytes that do not count */
    CU_ASSERT(net_addr_equal(&a, &b));
    CU_ASSERT(net_addr_parse(&b, "::10.0.0.1"));
    CU_ASSERT_FALSE(net_addr_equal(&a, &b));
    CU_ASSERT(net_addr_parse(&a, "fe80::1%1") && net_addr_parse(&b, "fe80::1%2"));
    CU_ASSERT_FALSE(net_addr_equal(&a, &b));
    a = b = (struct net_addr){.family = AF_UNIX};
    CU_ASSERT(net_addr_equal(&a, &b));
}

static void test_mapped(void)
{
    static const uint8_t ipv4[16] = {[10] = 0xff, [11] = 0xff, [12] = 192, [13] = 0, [14] = 2, [15] = 1};
    static const uint8_t none[16];
    uint8_t mapped[16];
    struct net_addr addr;
    CU_ASSERT(net_addr_parse(&addr, "192.0.2.1"));
    net_addr_mapped(&addr, mapped);
    CU_ASSERT_EQUAL(memcmp(mapped, ipv4, 16), 0);
    CU_ASSERT(net_addr_parse(&addr, "2001:db8::1"));
    net_addr_mapped(&addr, mapped);
    CU_ASSERT_EQUAL(memcmp(mapped, addr.bytes, 16), 0);
    addr.family = AF_UNIX;
    net_addr_mapped(&addr, mapped);
    CU_ASSERT_EQUAL(memcmp(mapped, none, 16), 0);
}

static void test_literals(void)
{
    struct net_addr addr;
    CU_ASSERT(net_addr_parse_slice(&addr, slice_of("10.0.0.1:25", 8)) && addr.family == AF_INET);
    CU_ASSERT_FALSE(net_addr_parse_slice(&addr, SLICE_LITERAL("10.0.0.1\0")));
    CU_ASSERT_FALSE(net_addr_parse_slice(&addr, SLICE_LITERAL("")));
    CU_ASSERT(net_addr_parse_literal(&addr, SLICE_LITERAL("[192.0.2.1]")) && addr.family == AF_INET);
    CU_ASSERT(net_addr_parse_literal(&addr, SLICE_LITERAL("[IPv6:2001:db8::1]")) && addr.family == AF_INET6);
    CU_ASSERT(net_addr_parse_literal(&addr, SLICE_LITERAL("[ipv6:::1]")));
    CU_ASSERT(net_addr_parse_literal(&addr, SLICE_LITERAL("[IPv6:::ffff:192.0.2.1]")));
    static const struct slice wrong[] = {
        SLICE_LITERAL(""),       SLICE_LITERAL("[]"),        SLICE_LITERAL("[IPv6:]"),
        SLICE_LITERAL("[::1]"),  SLICE_LITERAL("192.0.2.1"), SLICE_LITERAL("[IPv6:192.0.2.1]"),
        SLICE_LITERAL("[host]"), SLICE_LITERAL("[[::1]]"),   SLICE_LITERAL("[IPv6:[::1]]"),
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        CU_ASSERT_FALSE(net_addr_parse_literal(&addr, wrong[i]));
}

int main(void)
{
    CU_TestInfo tests[] = {
        {"parse", test_parse}, {"format", test_format}, {"sockaddr", test_sockaddr},
        {"equal", test_equal}, {"mapped", test_mapped}, {"literals", test_literals},
        CU_TEST_INFO_NULL,
    };
    return unit_run("addr", tests);
}
