/* Paths and parameters of MAIL and RCPT: what RFC 5321 allows and what it does not. */
#include "unit.h"

#include "base/mem.h"
#include "smtp/address.h"

static const struct {
    const char *text, *mailbox, *domain; /* mailbox NULL: refused */
} paths[] = {
    {"<a@b.example>", "a@b.example", "b.example"},
    {"<a.b+c@b.example>", "a.b+c@b.example", "b.example"},
    {"<\"a b\"@b.example>", "\"a b\"@b.example", "b.example"},
    {"<\"a\\\"b@c\"@b.example>", "\"a\\\"b@c\"@b.example", "b.example"},
    {"<a@[127.0.0.1]>", "a@[127.0.0.1]", "[127.0.0.1]"},
    {"<a@[IPv6:::1]>", "a@[IPv6:::1]", "[IPv6:::1]"},
    {"<@one.example,@two.example:a@b.example>", "a@b.example", "b.example"},
    {"<a@under_score.example>", "a@under_score.example", "under_score.example"},
    {"<postmaster>", "postmaster", ""},
    {"<>", "", ""},
    {"a@b.example", NULL, NULL},
    {"<a@b.example", NULL, NULL},
    {"<a@>", NULL, NULL},
    {"<@b.example>", NULL, NULL},
    {"<a>", NULL, NULL},
    {"<.a@b.example>", NULL, NULL},
    {"<a.@b.example>", NULL, NULL},
    {"<a..b@b.example>", NULL, NULL},
    {"<a b@b.example>", NULL, NULL},
    {"<a@b@c.example>", NULL, NULL},
    {"<a@-b.example>", NULL, NULL},
    {"<a@b..example>", NULL, NULL},
    {"<a@b.example.>", NULL, NULL},
    {"<a@[300.0.0.1]>", NULL, NULL},
    {"<a@[::1]>", NULL, NULL},
    {"<a@[IPv6:127.0.0.1]>", NULL, NULL},
    {"<\"a@b.example>", NULL, NULL},
    {"<\"a\\\"@b.example>", NULL, NULL},
    {"<@one.example:@b.example>", NULL, NULL},
    {"<", NULL, NULL},
    {"", NULL, NULL},
};

static void test_paths(void)
{
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        char *exact = mem_dup(paths[i].text);
        struct slice rest = slice_text(exact);
        struct mail_path path;
        bool valid = address_parse_path(&rest, true, true, &path);
        CU_ASSERT_EQUAL(valid, paths[i].mailbox != NULL);
        if (valid && paths[i].mailbox) {
            CU_ASSERT(slice_equal(path.mailbox, slice_text(paths[i].mailbox)));
            CU_ASSERT(slice_equal(path.domain, slice_text(paths[i].domain)));
            CU_ASSERT_EQUAL(rest.size, 0);
        }
        free(exact);
    }
}

static void test_what_a_command_allows(void)
{
    struct mail_path path;
    struct slice null = SLICE_LITERAL("<>"), bare = SLICE_LITERAL("<postmaster>");
    CU_ASSERT_FALSE(address_parse_path(&null, false, true, &path));
    CU_ASSERT_FALSE(address_parse_path(&bare, true, false, &path));
}

static void test_lengths(void)
{
    char text[400];
    struct mail_path path;
    snprintf(text, sizeof text, "<%.*s@b.example>", LOCAL_PART_MAX,
             "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa");
    struct slice longest = slice_text(text);
    CU_ASSERT(address_parse_path(&longest, true, true, &path));
    snprintf(text, sizeof text, "<a%.*s@b.example>", LOCAL_PART_MAX,
             "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa");
    struct slice longer = slice_text(text);
    CU_ASSERT_FALSE(address_parse_path(&longer, true, true, &path));
}

static void test_parameters(void)
{
    struct slice rest = SLICE_LITERAL(" SIZE=100 BODY=8BITMIME SMTPUTF8"), keyword, value;
    CU_ASSERT_EQUAL(address_next_parameter(&rest, &keyword, &value), 1);
    CU_ASSERT(slice_equal(keyword, SLICE_LITERAL("SIZE")) && slice_equal(value, SLICE_LITERAL("100")));
    CU_ASSERT_EQUAL(address_next_parameter(&rest, &keyword, &value), 1);
    CU_ASSERT(slice_equal(keyword, SLICE_LITERAL("BODY")) && slice_equal(value, SLICE_LITERAL("8BITMIME")));
    CU_ASSERT_EQUAL(address_next_parameter(&rest, &keyword, &value), 1);
    CU_ASSERT(slice_equal(keyword, SLICE_LITERAL("SMTPUTF8")) && value.size == 0);
    CU_ASSERT_EQUAL(address_next_parameter(&rest, &keyword, &value), 0);
    static const char *const bad[] = {"SIZE=1", " =1", " -A=1", " A=", " A=\x80", " A=b=c"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct slice text = slice_text(bad[i]);
        int found;
        while ((found = address_next_parameter(&text, &keyword, &value)) > 0)
            ;
        CU_ASSERT_EQUAL(found, -1);
    }
}

int main(void)
{
    CU_TestInfo tests[] = {
        {"paths", test_paths},     {"null and postmaster", test_what_a_command_allows},
        {"lengths", test_lengths}, {"parameters", test_parameters},
        CU_TEST_INFO_NULL,
    };
    return unit_run("smtp addresses", tests);
}
