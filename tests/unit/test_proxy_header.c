/* PROXY headers, version 1 and 2: what they say, and what is none. */
#include "net/proxy_header.h"

#include <stdio.h>
#include <string.h>
#include "unit.h"

#define SIGNATURE "\r\n\r\n\0\r\nQUIT\n"
/* 192.0.2.1:1024 to 198.51.100.2:25 */
#define INET "\xc0\x00\x02\x01\xc6\x33\x64\x02\x04\x00\x00\x19"
#define INET6                                                                                                \
    "\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x01"                                                             \
    "\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x02\x04\x00\x00\x19"
#define BYTES(text) text, sizeof(text) - 1

/* "CLIENT SERVER size", or what the status is. */
static const char *said(const char *data, size_t size)
{
    static const char *const words[] = {[PROXY_MORE] = "more", [PROXY_MALFORMED] = "malformed"};
    static char text[200];
    char client[NET_ADDR_TEXT_SIZE], server[NET_ADDR_TEXT_SIZE];
    struct proxy_header header;
    enum proxy_status status = proxy_header_parse(data, size, &header);
    if (status == PROXY_MORE || status == PROXY_MALFORMED)
        return words[status];
    if (status == PROXY_WITHOUT)
        snprintf(text, sizeof text, "without %zu", header.size);
    else
        snprintf(text, sizeof text, "%s %s %zu", net_addr_format_port(&header.client, client),
                 net_addr_format_port(&header.server, server), header.size);
    return text;
}

struct example {
    const char *data;
    size_t size;
    const char *expected;
};

static void check(const struct example *examples, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const char *got = said(examples[i].data, examples[i].size);
        if (strcmp(got, examples[i].expected) != 0)
            fprintf(stderr, "example %zu: %s, not %s\n", i, got, examples[i].expected);
        CU_ASSERT_STRING_EQUAL(got, examples[i].expected);
    }
}

static void test_version_1(void)
{
    static const struct example examples[] = {
        {BYTES("PROXY TCP4 192.0.2.1 198.51.100.2 1024 25\r\n"), "192.0.2.1:1024 198.51.100.2:25 43"},
        {BYTES("PROXY TCP4 192.0.2.1 198.51.100.2 1024 25\r\nEHLO a\r\n"),
         "192.0.2.1:1024 198.51.100.2:25 43"},
        {BYTES("PROXY TCP4 255.255.255.255 0.0.0.0 65535 0\r\n"), "255.255.255.255:65535 0.0.0.0:0 44"},
        {BYTES("PROXY TCP6 2001:db8::1 2001:db8::2 1024 25\r\n"), "[2001:db8::1]:1024 [2001:db8::2]:25 44"},
        {BYTES("PROXY TCP6 ::ffff:192.0.2.1 ::1 1 2\r\n"), "192.0.2.1:1 [::1]:2 37"},
        {BYTES("PROXY UNKNOWN\r\n"), "without 15"},
        {BYTES("PROXY UNKNOWN ffff::1 whatever\x01 it says\r\n"), "without 41"},
        {BYTES("P"), "more"},
        {BYTES("PROXY TCP4 192.0.2.1 198.51.100.2 1024 25\r"), "more"},
        {BYTES("PROXY TCP4 192.0.2.1 198.51.100.2 1024 25\n"), "malformed"},
        {BYTES("PROXY TCP4 192.0.2.1 198.51.100.2 1024 65536\r\n"), "malformed"},
        {BYTES("PROXY TCP4 192.0.2.1 198.51.100.2 01024 25\r\n"), "malformed"},
        {BYTES("PROXY TCP4 192.0.2.1 198.51.100.2 -1 25\r\n"), "malformed"},
        {BYTES("PROXY TCP4  192.0.2.1 198.51.100.2 1024 25\r\n"), "malformed"},
        {BYTES("PROXY TCP4 192.0.2.1 198.51.100.2 1024 25 \r\n"), "malformed"},
        {BYTES("PROXY TCP4 192.0.2.1 198.51.100.2 1024\r\n"), "malformed"},
        {BYTES("PROXY TCP4 192.0.2.1\0 198.51.100.2 1024 25\r\n"), "malformed"},
        {BYTES("PROXY TCP4 192.0.2 198.51.100.2 1024 25\r\n"), "malformed"},
        {BYTES("PROXY TCP4 ::1 ::2 1024 25\r\n"), "malformed"},
        {BYTES("PROXY TCP6 192.0.2.1 198.51.100.2 1024 25\r\n"), "malformed"},
        {BYTES("PROXY TCP5 192.0.2.1 198.51.100.2 1024 25\r\n"), "malformed"},
        {BYTES("PROXY \r\n"), "malformed"},
        {BYTES("PROXY\r\n"), "malformed"},
        {BYTES("proxy TCP4 192.0.2.1 198.51.100.2 1024 25\r\n"), "malformed"},
        {BYTES("EHLO client.example\r\n"), "malformed"},
        {BYTES("\n"), "malformed"},
        {BYTES(""), "more"},
    };
    check(examples, sizeof examples / sizeof *examples);
}

/* "PROXY UNKNOWN" and so many bytes, of which CR LF are two. */
static void test_length_of_version_1(void)
{
    char line[200];
    memset(line, 'x', sizeof line);
    memcpy(line, "PROXY UNKNOWN ", 14);
    CU_ASSERT_STRING_EQUAL(said(line, 106), "more");
    CU_ASSERT_STRING_EQUAL(said(line, 107), "malformed");
    memcpy(line + 105, "\r\n", 2);
    CU_ASSERT_STRING_EQUAL(said(line, 106), "more");
    CU_ASSERT_STRING_EQUAL(said(line, 107), "without 107");
    CU_ASSERT_STRING_EQUAL(said(line, sizeof line), "without 107");
}

static void test_version_2(void)
{
    static const struct example examples[] = {
        {BYTES(SIGNATURE "\x21\x11\x00\x0c" INET), "192.0.2.1:1024 198.51.100.2:25 28"},
        {BYTES(SIGNATURE "\x21\x11\x00\x0c" INET "EHLO a\r\n"), "192.0.2.1:1024 198.51.100.2:25 28"},
        {BYTES(SIGNATURE "\x21\x21\x00\x24" INET6), "[2001:db8::1]:1024 [2001:db8::2]:25 52"},
        /* Fields after the addresses, one of them empty. */
        {BYTES(SIGNATURE "\x21\x11\x00\x13" INET "\x04\x00\x00\xea\x00\x01\x01"),
         "192.0.2.1:1024 198.51.100.2:25 35"},
        {BYTES(SIGNATURE "\x21\x11\x00\x13" INET "\x04\x00\x00\xea\x00\x02\x01"), "malformed"},
        {BYTES(SIGNATURE "\x21\x11\x00\x0e" INET "\x04\x00"), "malformed"},
        {BYTES(SIGNATURE "\x21\x11\x00\x0b" INET), "malformed"},
        {BYTES(SIGNATURE "\x21\x21\x00\x0c" INET), "malformed"},
        /* LOCAL; no family; a datagram; a Unix socket. */
        {BYTES(SIGNATURE "\x20\x00\x00\x00"), "without 16"},
        {BYTES(SIGNATURE "\x20\x11\x00\x0c" INET), "without 28"},
        {BYTES(SIGNATURE "\x21\x00\x00\x02xx"), "without 18"},
        {BYTES(SIGNATURE "\x21\x12\x00\x0c" INET), "without 28"},
        {BYTES(SIGNATURE "\x21\x31\x00\x03/a/"), "without 19"},
        {BYTES(SIGNATURE "\x21\x41\x00\x00"), "malformed"}, /* such a family is not */
        {BYTES(SIGNATURE "\x21\x13\x00\x0c" INET), "malformed"},
        {BYTES(SIGNATURE "\x22\x11\x00\x0c" INET), "malformed"}, /* such a command is not */
        {BYTES(SIGNATURE "\x11\x11\x00\x0c" INET), "malformed"}, /* version 1, in binary */
        {BYTES(SIGNATURE "\x11"), "malformed"},
        {BYTES(SIGNATURE "\x21\x11\x10\x00"), "malformed"}, /* too long */
        {BYTES(SIGNATURE "\x21\x11\x0f\xf0"), "more"},
        {BYTES(SIGNATURE "\x21\x11\x00\x0c\xc0\x00"), "more"},
        {BYTES("\r\n\r\n\0\r"), "more"},
        {BYTES("\r\nEHLO"), "malformed"},
    };
    check(examples, sizeof examples / sizeof *examples);
}

int main(void)
{
    CU_TestInfo tests[] = {
        {"version 1", test_version_1},
        {"the length of version 1", test_length_of_version_1},
        {"version 2", test_version_2},
        CU_TEST_INFO_NULL,
    };
    return unit_run("proxy header", tests);
}
