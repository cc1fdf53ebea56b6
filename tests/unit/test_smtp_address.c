/* Paths of MAIL and RCPT: what RFC 5321 and RFC 6531 allow, what options allow besides, and what neither
 * does. */
#include "unit.h"

#include "base/mem.h"
#include "smtp/wire/address.h"

static const struct address_rules strict = {.pedantic = true};

/* In memory of exactly its size, so that a sanitizer sees a byte read beyond it. */
static enum address_fault parse(const char *text, const struct address_rules *rules, struct mail_path *path,
                                char **memory, struct slice *rest)
{
    size_t size = strlen(text);
    *memory = malloc(size ? size : 1);
    memcpy(*memory, text, size);
    *rest = slice_of(*memory, size);
    return address_parse_path(rest, rules, path);
}

static void expect(const char *text, const struct address_rules *rules, const char *mailbox,
                   const char *domain)
{
    struct mail_path path;
    struct slice rest;
    char *memory;
    enum address_fault fault = parse(text, rules, &path, &memory, &rest);
    CU_ASSERT_EQUAL(fault, mailbox ? ADDRESS_OK : ADDRESS_SYNTAX);
    if (fault == ADDRESS_OK && mailbox) {
        CU_ASSERT(slice_equal(path.mailbox, slice_text(mailbox)));
        CU_ASSERT(slice_equal(path.domain, slice_text(domain)));
        CU_ASSERT_EQUAL(rest.size, 0);
    }
    free(memory);
}

static void test_paths(void)
{
    static const struct {
        const char *text, *mailbox, *domain; /* mailbox NULL: refused */
    } paths[] = {
        {"<a@b.example>", "a@b.example", "b.example"},
        {"<a.b+c@b.example>", "a.b+c@b.example", "b.example"},
        {"<\"a b\"@b.example>", "\"a b\"@b.example", "b.example"},
        {"<\"a\\\"b@c\"@b.example>", "\"a\\\"b@c\"@b.example", "b.example"},
        {"<a@[127.0.0.1]>", "a@[127.0.0.1]", "[127.0.0.1]"},
        {"<a@[IPv6:::1]>", "a@[IPv6:::1]", "[IPv6:::1]"},
        {"<a@[IPv6:::ffff:192.0.2.1]>", "a@[IPv6:::ffff:192.0.2.1]", "[IPv6:::ffff:192.0.2.1]"},
        {"<@one.example,@two.example:a@b.example>", "a@b.example", "b.example"},
        {"<a@under_score.example>", "a@under_score.example", "under_score.example"},
        {"<postmaster>", "postmaster", ""},
        {"<abuse>", "abuse", ""},
        {"<>", "", ""},
        {"a@b.example", NULL, NULL},
        {"<a@b.example", NULL, NULL},
        {"<a@>", NULL, NULL},
        {"<@b.example>", NULL, NULL},
        {"<.a@b.example>", NULL, NULL},
        {"<a.@b.example>", NULL, NULL},
        {"<a..b@b.example>", NULL, NULL},
        {"<a b@b.example>", NULL, NULL},
        {"< a@b.example >", NULL, NULL},
        {"<a@b@c.example>", NULL, NULL},
        {"<a@-b.example>", NULL, NULL},
        {"<a@b..example>", NULL, NULL},
        {"<a@b.example.>", NULL, NULL},
        {"<a@[300.0.0.1]>", NULL, NULL},
        {"<a@[::1]>", NULL, NULL},
        {"<a@[IPv6:127.0.0.1]>", NULL, NULL},
        {"<a@[127.0.0.1>", NULL, NULL},
        {"<\"a@b.example>", NULL, NULL},
        {"<\"a\\\"@b.example>", NULL, NULL},
        {"<\"a\\", NULL, NULL},
        {"<@one.example:@b.example>", NULL, NULL},
        {"<@one.example,a@b.example>", NULL, NULL},
        {"<@one.example,:a@b.example>", NULL, NULL},
        {"<", NULL, NULL},
        {"", NULL, NULL},
    };
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++)
        expect(paths[i].text, &strict, paths[i].mailbox, paths[i].domain);
}

static void test_relaxed_rules(void)
{
    static const struct address_rules relaxed = {.pedantic = false},
                                      blanks = {.pedantic = true, .blanks = true};
    expect("<a..b@b.example>", &relaxed, "a..b@b.example", "b.example");
    expect("<ab.@b.example>", &relaxed, "ab.@b.example", "b.example");
    expect("<.a@b.example>", &relaxed, NULL, NULL);
    expect("<@b.example>", &relaxed, NULL, NULL);
    expect("<a@b..example>", &relaxed, NULL, NULL);
    expect("< a@b.example >", &blanks, "a@b.example", "b.example");
    expect("< \t>", &blanks, "", "");
    expect("<a@b. example>", &blanks, NULL, NULL);
    expect("< a @b.example>", &blanks, NULL, NULL);
    expect("< ", &blanks, NULL, NULL);
}

static void test_utf8(void)
{
    static const struct {
        const char *text;
        bool valid;
    } paths[] = {
        {"<\xc3\xa4@b.example>", true},                  /* a umlaut */
        {"<\"\xc3\xa4 \xe2\x82\xac\"@b.example>", true}, /* quoted */
        {"<a@b\xc3\xbc"
         "cher.example>",
         true}, /* a U-label */
        {"<a@B\xc3\xbc"
         "cher.Example>",
         true},                                 /* ASCII letters in any case */
        {"<\xf0\x9f\x93\xa8@b.example>", true}, /* beyond the BMP */
        {"<\xc3@b.example>", false},            /* cut short */
        {"<\xc0\xaf@b.example>", false},        /* overlong */
        {"<\xed\xa0\x80@b.example>", false},    /* a surrogate */
        {"<\xc2\x9b"
         "31m@b.example>",
         false},                               /* a control character that terminals obey */
        {"<\"\\\xc3\xa4\"@b.example>", false}, /* a quoted pair is ASCII */
        {"<a@b\xe3\x80\x82"
         "example>",
         false}, /* an ideographic full stop is no dot */
        {"<a@\xc3\x9c"
         "ber.example>",
         false}, /* a capital is no U-label */
        {"<a@u\xcc\x88"
         "ber.example>",
         false},                             /* nor is what is not composed */
        {"<a@\xe2\x82\xac.example>", false}, /* nor the euro sign */
        {"<a@\xff.example>", false},
    };
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        struct mail_path path;
        struct slice rest;
        char *memory;
        enum address_fault fault = parse(paths[i].text, &strict, &path, &memory, &rest);
        CU_ASSERT_EQUAL(fault, paths[i].valid ? ADDRESS_OK : ADDRESS_SYNTAX);
        CU_ASSERT(fault != ADDRESS_OK || path.utf8);
        free(memory);
    }
    struct mail_path ascii;
    struct slice rest = SLICE_LITERAL("<a@b.example>");
    CU_ASSERT(address_parse_path(&rest, &strict, &ascii) == ADDRESS_OK && !ascii.utf8);
}

/* A local part of `local` and labels of 50 bytes, of `size` bytes in all. */
static enum address_fault parse_long(size_t local, size_t size)
{
    char text[600] = "<";
    struct mail_path path;
    memset(text + 1, 'a', size);
    text[1 + local] = '@';
    for (size_t i = 1 + local + 51; i < size; i += 51)
        text[i] = '.';
    text[1 + size] = '>';
    struct slice rest = slice_text(text);
    return address_parse_path(&rest, &strict, &path);
}

static void test_lengths(void)
{
    CU_ASSERT_EQUAL(parse_long(LOCAL_PART_MAX, 100), ADDRESS_OK);
    CU_ASSERT_EQUAL(parse_long(LOCAL_PART_MAX + 1, 100), ADDRESS_TOO_LONG);
    CU_ASSERT_EQUAL(parse_long(10, ADDRESS_MAX), ADDRESS_OK);
    CU_ASSERT_EQUAL(parse_long(10, ADDRESS_MAX + 1), ADDRESS_TOO_LONG);
    CU_ASSERT_EQUAL(parse_long(10, 11 + DOMAIN_MAX + 1), ADDRESS_TOO_LONG);
}

static void test_ip_domains(void)
{
    CU_ASSERT(address_is_ip(SLICE_LITERAL("[127.0.0.1]")));
    CU_ASSERT(address_is_ip(SLICE_LITERAL("[IPv6:::1]")));
    CU_ASSERT(address_is_ip(SLICE_LITERAL("192.168.0.1")));
    CU_ASSERT_FALSE(address_is_ip(SLICE_LITERAL("192.168.0.1.example")));
    CU_ASSERT_FALSE(address_is_ip(SLICE_LITERAL("b.example")));
    CU_ASSERT_FALSE(address_is_ip(SLICE_LITERAL("")));
    CU_ASSERT_FALSE(address_domain_valid(SLICE_LITERAL("[IPv6:::1\0]")));
}

int main(void)
{
    CU_TestInfo tests[] = {
        {"paths", test_paths},     {"relaxed rules", test_relaxed_rules}, {"UTF-8", test_utf8},
        {"lengths", test_lengths}, {"IP addresses", test_ip_domains},     CU_TEST_INFO_NULL,
    };
    return unit_run("smtp addresses", tests);
}
