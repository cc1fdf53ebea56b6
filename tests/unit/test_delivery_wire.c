/* The wire as delivery sees it: routes, replies, dot-stuffing, names in DNS answers. */
#include "unit.h"

#include <string.h>
#include "dns/dns_record.h"
#include "smtp/wire/reply_line.h"
#include "site/route.h"
#include "delivery/delivery.h"
#include "site/route.h"
#include "smtp/wire/stuffing.h"

#define S SLICE_LITERAL

/* ---- routes ------------------------------------------------------------------------------------------ */

static void test_routes(void)
{
    static const struct {
        const char *text;
        int kind;
        const char *host;
        unsigned port, preference; /* preference 0: none */
    } rows[] = {
        {"10.0.0.1", ROUTE_ADDRESS, "10.0.0.1", 0, 0},
        {" 10.0.0.1:2525 ", ROUTE_ADDRESS, "10.0.0.1", 2525, 0},
        {"[fe80::a00]:1", ROUTE_ADDRESS, "[fe80::a00]", 1, 0},
        {"[::1]", ROUTE_ADDRESS, "[::1]", 0, 0},
        {"::1", ROUTE_ADDRESS, "::1", 0, 0},
        {"my.local.smart.host", ROUTE_HOST, "my.local.smart.host", 0, 0},
        {"my.local.smart.host:26", ROUTE_HOST, "my.local.smart.host", 26, 0},
        {"__mx__", ROUTE_MX_OF_DOMAIN, "", 0, 0},
        {"smtp://1.2.3.4?pref=10&ttl=300&type=mx", ROUTE_ADDRESS, "1.2.3.4", 0, 10},
        {"SMTP://relay.example?pref=1&port=587", ROUTE_HOST, "relay.example", 587, 1},
        {"smtp://example.com:26?type=mx", ROUTE_HOST_MX, "example.com", 26, 0},
        {"smtp://[2001:db8::1]:26?type=a", ROUTE_ADDRESS, "[2001:db8::1]", 26, 0},
        {"lmtp://127.0.0.1:24", ROUTE_ADDRESS, "127.0.0.1", 24, 0},
        {"lmtp:///run/lmtp.sock", ROUTE_UNIX, "/run/lmtp.sock", 0, 0},
        {"/run/lmtp.sock?pref=3", ROUTE_UNIX, "/run/lmtp.sock", 0, 3},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct route route;
        char error[256];
        CU_ASSERT_FATAL(route_parse(rows[i].text, &route, error, sizeof error));
        CU_ASSERT_EQUAL((int)route.kind, rows[i].kind);
        CU_ASSERT_STRING_EQUAL(route.host, rows[i].host);
        CU_ASSERT_EQUAL(route.port, rows[i].port);
        CU_ASSERT_EQUAL(route.has_preference, rows[i].preference != 0);
        CU_ASSERT_EQUAL(route.preference, rows[i].preference);
    }
}

static void test_bad_routes(void)
{
    static const struct {
        const char *text, *error;
    } rows[] = {
        {"", "empty"},
        {"smtp://", "empty"},
        {"http://example.com", "begins with smtp:// or lmtp://"},
        {"host:0", "1 to 65535"},
        {"host:65536", "1 to 65535"},
        {"host:", "1 to 65535"},
        {"smtp://host?port=x", "1 to 65535"},
        {"smtp://host?pref=-1", "pref is a number"},
        {"smtp://host?type=aaaa", "\"mx\" or \"a\""},
        {"smtp://host?speed=9", "pref, ttl, port and type"},
        {"two words", "host name"},
        {"a..b", "host name"},
        {"10.0.0.256", "an address, a host name or __mx__ was expected"},
        {"mx.example.7.", "host name"},
        {"[::1", "host name"},
        {"1.2.3.4\r\nQUIT", "host name"},
        {"/", "Unix socket"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char error[256] = "";
        CU_ASSERT_FALSE(route_check(rows[i].text, error, sizeof error));
        CU_ASSERT_PTR_NOT_NULL(strstr(error, rows[i].error));
    }
}

static void test_route_lengths(void)
{
    char text[600], error[256];
    memset(text, 'a', sizeof text);
    text[254] = '\0';
    CU_ASSERT(route_check(text, error, sizeof error));
    text[254] = 'a';
    text[599] = '\0';
    CU_ASSERT_FALSE(route_check(text, error, sizeof error));
    text[0] = '/';
    text[108] = '\0';
    CU_ASSERT_FALSE(route_check(text, error, sizeof error));
    text[107] = '\0';
    CU_ASSERT(route_check(text, error, sizeof error));
}

/* ---- replies ----------------------------------------------------------------------------------------- */

static void test_replies(void)
{
    static const struct {
        const char *text;
        unsigned code, used;
        const char *joined;
    } rows[] = {
        {"250 ok\r\n", 250, 8, "250 ok"},
        {"250\r\n", 250, 5, "250"},
        {"250 \r\n354 go\r\n", 250, 6, "250"},
        {"354 end with .\nrest", 354, 15, "354 end with ."},
        {"550-5.1.1 no such\r\n550 5.1.1 user\r\n", 550, 35, "550 5.1.1 no such 5.1.1 user"},
        {"250-a\r\n250-b\r\n250\r\n", 250, 19, "250 a b"},
        {"421 bad\tbytes\001\x80\r\n", 421, 17, "421 bad bytes \x80"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct wire_reply reply;
        char line[64];
        struct slice input = slice_text(rows[i].text);
        CU_ASSERT_EQUAL_FATAL(reply_parse(input, &reply), REPLY_DONE);
        CU_ASSERT_EQUAL(reply.code, rows[i].code);
        CU_ASSERT_EQUAL(reply.text.size, rows[i].used);
        CU_ASSERT(
            slice_equal(slice_of(line, reply_join(&reply, line, sizeof line)), slice_text(rows[i].joined)));
        for (size_t size = 0; size < rows[i].used; size++)
            CU_ASSERT_EQUAL(reply_parse(slice_of(input.data, size), &reply), REPLY_MORE);
    }
}

static void test_join_is_bounded(void)
{
    struct wire_reply reply;
    char line[9];
    memset(line, '#', sizeof line);
    CU_ASSERT_EQUAL(reply_parse(S("550-abcdef\r\n550 ghi\r\n"), &reply), REPLY_DONE);
    CU_ASSERT_EQUAL(reply_join(&reply, line, 8), 8);
    CU_ASSERT_EQUAL(memcmp(line, "550 abcd#", 9), 0);
}

static void test_not_replies(void)
{
    struct wire_reply reply;
    CU_ASSERT_EQUAL(reply_parse(S("hello\r\n"), &reply), REPLY_BAD);
    CU_ASSERT_EQUAL(reply_parse(S("25\r\n"), &reply), REPLY_BAD);
    CU_ASSERT_EQUAL(reply_parse(S("150 x\r\n"), &reply), REPLY_BAD);
    CU_ASSERT_EQUAL(reply_parse(S("250-a\r\nx\r\n"), &reply), REPLY_BAD);
    CU_ASSERT_EQUAL(reply_parse(S(""), &reply), REPLY_MORE);
}

static void test_replies_are_bounded(void)
{
    struct wire_reply reply;
    struct buf endless = {0};
    for (int i = 0; i < REPLY_LINES; i++)
        buf_append_text(&endless, "250-x\r\n");
    CU_ASSERT_EQUAL(reply_parse(buf_slice(&endless), &reply), REPLY_BAD);
    buf_clear(&endless);
    buf_append_text(&endless, "250 ");
    memset(buf_reserve(&endless, REPLY_BYTES), 'x', REPLY_BYTES);
    buf_commit(&endless, REPLY_BYTES);
    CU_ASSERT_EQUAL(reply_parse(buf_slice(&endless), &reply), REPLY_BAD);
    buf_release(&endless);
}

/* ---- dots -------------------------------------------------------------------------------------------- */

/* What goes out for a message that comes in parts of `step` bytes. */
static bool stuffs(struct slice message, size_t step, struct slice expected)
{
    struct stuffing stuffing = {0};
    struct buf out = {0};
    for (size_t at = 0; at < message.size; at += step) {
        size_t size = message.size - at < step ? message.size - at : step;
        stuffing_append(&stuffing, slice_of(message.data + at, size), &out);
    }
    stuffing_end(&stuffing, &out);
    bool same = slice_equal(buf_slice(&out), expected);
    buf_release(&out);
    return same;
}

static void test_stuffing(void)
{
    static const struct {
        struct slice message, expected;
    } rows[] = {
        {SLICE_LITERAL(""), SLICE_LITERAL(".\r\n")},
        {SLICE_LITERAL("a\r\n"), SLICE_LITERAL("a\r\n.\r\n")},
        {SLICE_LITERAL("a"), SLICE_LITERAL("a\r\n.\r\n")},
        {SLICE_LITERAL("a\r"), SLICE_LITERAL("a\r\r\n.\r\n")},
        {SLICE_LITERAL(".\r\n"), SLICE_LITERAL("..\r\n.\r\n")},
        {SLICE_LITERAL("..a\r\n.b\r\n.\r\n\r\n."), SLICE_LITERAL("...a\r\n..b\r\n..\r\n\r\n..\r\n.\r\n")},
        {SLICE_LITERAL("a.b\r\nc.\r\n"), SLICE_LITERAL("a.b\r\nc.\r\n.\r\n")},
        /* Only CR LF ends a line, but not everybody knows that. */
        {SLICE_LITERAL("a\n.b\r.c\r\n"), SLICE_LITERAL("a\n..b\r..c\r\n.\r\n")},
        {SLICE_LITERAL("a\n.\nb\r.\rc\n.\r\n"), SLICE_LITERAL("a\n..\nb\r..\rc\n..\r\n.\r\n")},
        {SLICE_LITERAL("a\r\n\0.\r\nb\0.\r\n"), SLICE_LITERAL("a\r\n\0..\r\nb\0.\r\n.\r\n")},
        {SLICE_LITERAL("\0\0.\r\n"), SLICE_LITERAL("\0\0..\r\n.\r\n")},
        {SLICE_LITERAL("a\n"), SLICE_LITERAL("a\n\r\n.\r\n")},
        {SLICE_LITERAL("a\n\r"), SLICE_LITERAL("a\n\r\r\n.\r\n")},
        {SLICE_LITERAL("a\r\r\n.\r\n"), SLICE_LITERAL("a\r\r\n..\r\n.\r\n")},
        {SLICE_LITERAL("\0\xff\r\n.\0"), SLICE_LITERAL("\0\xff\r\n..\0\r\n.\r\n")},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        for (size_t step = 1; step < 20; step++)
            CU_ASSERT(stuffs(rows[i].message, step, rows[i].expected));
}

/*
 * Whatever the content is, and whatever bytes a server takes for the end of a line, the message ends where it
 * ends: no dot stands alone between two things that can end a line, but the last.
 */
static void test_stuffing_leaves_no_end(void)
{
    static const char alphabet[] = {'\r', '\n', '.', '\0', 'a'};
    enum { LETTERS = sizeof alphabet, LENGTH = 6 };
    for (unsigned number = 0; number < 5 * 5 * 5 * 5 * 5 * 5; number++) {
        char message[LENGTH], seen[64];
        struct stuffing stuffing = {0};
        struct buf out = {0};
        size_t size = 0, ends = 0;
        for (unsigned i = 0, rest = number; i < LENGTH; i++, rest /= LETTERS)
            message[i] = alphabet[rest % LETTERS];
        stuffing_append(&stuffing, slice_of(message, LENGTH), &out);
        stuffing_end(&stuffing, &out);
        struct slice sent = buf_slice(&out);
        seen[size++] = '\n';
        for (size_t i = 0; i < sent.size; i++)
            if (sent.data[i] != '\0')
                seen[size++] = sent.data[i] == '\r' ? '\n' : sent.data[i];
        for (size_t i = 0; i + 2 < size; i++)
            ends += memcmp(seen + i, "\n.\n", 3) == 0;
        CU_ASSERT_EQUAL(ends, 1);
        CU_ASSERT_EQUAL(memcmp(sent.data + sent.size - 5, "\r\n.\r\n", 5), 0);
        buf_release(&out);
    }
}

/* ---- names ------------------------------------------------------------------------------------------- */

static void test_dns_names(void)
{
    char text[DNS_NAME_SIZE];
    CU_ASSERT(dns_name_text(S("\2mx\7example\0"), text));
    CU_ASSERT_STRING_EQUAL(text, "mx.example");
    CU_ASSERT(dns_name_text(S("\0"), text));
    CU_ASSERT_STRING_EQUAL(text, "");
    CU_ASSERT_FALSE(dns_name_text(S(""), text));
    CU_ASSERT_FALSE(dns_name_text(S("\2mx"), text));
    CU_ASSERT_FALSE(dns_name_text(S("\7mx\0"), text));
    CU_ASSERT_FALSE(dns_name_text(S("\300\14"), text)); /* compression does not occur here */
    CU_ASSERT_FALSE(dns_name_text(S("\3a b\0"), text));
    CU_ASSERT_FALSE(dns_name_text(S("\3a.b\0"), text));
    char longest[300];
    for (size_t i = 0; i < sizeof longest; i += 2)
        memcpy(longest + i, "\1a", 2);
    longest[260] = '\0';
    CU_ASSERT_FALSE(dns_name_text(slice_of(longest, 261), text));
    longest[254] = '\0';
    CU_ASSERT(dns_name_text(slice_of(longest, 255), text));
}

int main(void)
{
    CU_TestInfo tests[] = {
        {"routes", test_routes},
        {"bad routes", test_bad_routes},
        {"lengths in routes", test_route_lengths},
        {"replies", test_replies},
        {"a joined reply is bounded", test_join_is_bounded},
        {"not replies", test_not_replies},
        {"replies are bounded", test_replies_are_bounded},
        {"dot-stuffing", test_stuffing},
        {"dot-stuffing leaves no end", test_stuffing_leaves_no_end},
        {"names in DNS", test_dns_names},
        CU_TEST_INFO_NULL,
    };
    return unit_run("delivery wire", tests);
}
