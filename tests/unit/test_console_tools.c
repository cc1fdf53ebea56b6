/* ec_console's parts that need no server: words, addresses, completion. */
#include <stdint.h>
#include <string.h>
#include "control/words.h"
#include "tools/console_address.h"
#include "tools/console_complete.h"
#include "tools/console_print.h"
#include "tools/console_words.h"
#include "unit.h"

/* ---- words ------------------------------------------------------------------------------------ */

/* What the server makes of a line that was made of words are these words. */
static void expect_round_trip(const char *const *given, size_t count)
{
    size_t size;
    const char *problem;
    struct words words;
    char *line = console_words_join(given, count, &size);
    CU_ASSERT_PTR_NULL(memchr(line, '\n', size));
    CU_ASSERT_TRUE(words_split(&words, line, size, &problem));
    CU_ASSERT_EQUAL(words.count, count);
    for (size_t i = 0; i < count && i < words.count; i++)
        CU_ASSERT_STRING_EQUAL(words.items[i], given[i]);
    words_release(&words);
    free(line);
}

static void test_words_arrive_as_they_were_given(void)
{
    static const char *const given[] = {
        "config",
        "set",
        "plain",
        "",
        "a b",
        " ",
        "#",
        "a#b",
        "it's",
        "\"",
        "'",
        "\\",
        "\\\\",
        "a\\nb",
        "\n\r\t",
        "a\"b\\",
        "/^ex.+\\.(com|org)$/",
        "(half",
        "half)",
        "x=y",
        "=",
        "(",
        ")",
        "{",
        "}",
        "[",
        "]",
        "\x01\x7f",
        "\xc3\xa9",
        "a,b",
        "/*",
        "a/*b",
        "\"open",
        "open\"",
        "'a' b'",
        "\"a\\\"",
    };
    expect_round_trip(given, sizeof given / sizeof given[0]);
}

/* Every word of three characters of these. */
static void test_all_short_words(void)
{
    static const char alphabet[] = "a \"'\\(#=n,";
    for (size_t i = 0; i < sizeof alphabet - 1; i++)
        for (size_t j = 0; j < sizeof alphabet - 1; j++)
            for (size_t k = 0; k < sizeof alphabet - 1; k++) {
                const char word[] = {alphabet[i], alphabet[j], alphabet[k], '\0'};
                bool quoted =
                    (i == 2 && k == 2 && j != 2 && j != 4) || (i == 3 && k == 3 && j != 3 && j != 4);
                if (!quoted) /* those are left as they are */
                    expect_round_trip((const char *const[]){"x", word}, 2);
            }
}

static void expect_line(const char *const *given, size_t count, const char *expected)
{
    size_t size;
    char *line = console_words_join(given, count, &size);
    CU_ASSERT_EQUAL(size, strlen(expected));
    CU_ASSERT_EQUAL(memcmp(line, expected, strlen(expected)), 0);
    free(line);
}

static void test_what_is_left_as_it_is(void)
{
    expect_line((const char *const[]){"config set x \"a b\""}, 1, "config set x \"a b\"");
    expect_line((const char *const[]){"x", "\"a \\\" b\""}, 2, "x \"a \\\" b\"");
    expect_line((const char *const[]){"x", "( a \"b c\" )"}, 2, "x ( a \"b c\" )");
    expect_line((const char *const[]){"x", "()"}, 2, "x ()");
    expect_line(NULL, 0, "");
}

/* ---- addresses -------------------------------------------------------------------------------- */

struct expected {
    const char *text, *display, *user, *password, *path, *host, *port, *ssh_target, *ssh_port;
};

static void expect_text(const char *given, const char *expected)
{
    CU_ASSERT_EQUAL(given == NULL, expected == NULL);
    if (given && expected)
        CU_ASSERT_STRING_EQUAL(given, expected);
}

static void test_addresses(void)
{
    static const struct expected addresses[] = {
        {"/tmp/2025", "/tmp/2025", .path = "/tmp/2025"},
        {"2025", "2025", .path = "/tmp/2025"},
        {"./2025", "./2025", .path = "./2025"},
        {"/tmp/a@b:1", "/tmp/a@b:1", .path = "/tmp/a@b:1"},
        {"tom@/tmp/2025", "tom@/tmp/2025", .user = "tom", .path = "/tmp/2025"},
        {"mx.example", "mx.example", .host = "mx.example", .port = "2025"},
        {"10.2.4.1:2025", "10.2.4.1:2025", .host = "10.2.4.1", .port = "2025"},
        {"*:26", "*:26", .host = "", .port = "26"},
        {":26", ":26", .host = "", .port = "26"},
        {"[::1]:26", "[::1]:26", .host = "::1", .port = "26"},
        {"[::1]", "[::1]", .host = "::1", .port = "2025"},
        {"john@127.0.0.1:26", "john@127.0.0.1:26", .user = "john", .host = "127.0.0.1", .port = "26"},
        {"a@b@h:26", "a@b@h:26", .user = "a@b", .host = "h", .port = "26"},
        {"john:p@:w@h:26", "john@h:26", .user = "john", .password = "p@:w", .host = "h", .port = "26"},
        {"ssh://me@h:22/ec:pw@*:26", "ssh://me@h:22/ec@*:26", .user = "ec", .password = "pw", .host = "",
         .port = "26", .ssh_target = "me@h", .ssh_port = "22"},
        {"ssh://[::1]/:26", "ssh://[::1]/:26", .host = "", .port = "26", .ssh_target = "[::1]"},
    };
    for (size_t i = 0; i < sizeof addresses / sizeof addresses[0]; i++) {
        const struct expected *expected = &addresses[i];
        struct console_address address;
        char problem[CONSOLE_ADDRESS_PROBLEM];
        CU_ASSERT_TRUE(console_address_parse(&address, addresses[i].text, problem));
        expect_text(address.display, expected->display);
        expect_text(address.user, expected->user);
        expect_text(address.password, expected->password);
        expect_text(address.path, expected->path);
        expect_text(address.host, expected->host);
        expect_text(address.port, expected->port);
        expect_text(address.ssh_target, expected->ssh_target);
        expect_text(address.ssh_port, expected->ssh_port);
        console_address_release(&address);
    }
}

/* ---- completion ------------------------------------------------------------------------------- */

static const char help[] = "config begin\n"
                           "    begins a transaction\n"
                           "config begin from scratch\n"
                           "    begins with nothing\n"
                           "config eval [SCOPE...] OPTION\n"
                           "config show [SCOPE...]\n"
                           "config showrecurse [SCOPE...]\n"
                           "\tnot a command\n"
                           "count\n"
                           "2fast\n";

static void expect_completion(const char *typed, size_t count, const char *first, size_t common)
{
    struct completions found;
    console_complete(SLICE_LITERAL(help), slice_text(typed), &found);
    CU_ASSERT_EQUAL(found.count, count);
    if (count == 0 || found.count == 0)
        return;
    CU_ASSERT_TRUE(slice_equal(found.words[0], slice_text(first)));
    CU_ASSERT_EQUAL(found.common, common);
}

static void test_completion(void)
{
    expect_completion("", 3, "config", 0);
    expect_completion("c", 2, "config", 2); /* "co" */
    expect_completion("con", 1, "config", 6);
    expect_completion("CON", 1, "config", 6);
    expect_completion("config", 1, "config", 6);
    expect_completion("config ", 4, "begin", 0);
    expect_completion("  config   s", 2, "show", 4);
    expect_completion("config show", 2, "show", 4);
    expect_completion("config showr", 1, "showrecurse", 11);
    expect_completion("config begin ", 1, "from", 4);
    expect_completion("config begin from s", 1, "scratch", 7);
    expect_completion("config eval ", 0, NULL, 0); /* arguments */
    expect_completion("config eval x", 0, NULL, 0);
    expect_completion("nothing", 0, NULL, 0);
    expect_completion("not", 0, NULL, 0);
}

static void test_more_commands_than_are_kept(void)
{
    char many[COMPLETIONS_MAX * 16], *end = many;
    struct completions found;
    for (unsigned i = 0; i < COMPLETIONS_MAX + 50; i++)
        end += snprintf(end, (size_t)(many + sizeof many - end), "word%u\n", i);
    console_complete(slice_text(many), slice_text("w"), &found);
    CU_ASSERT_EQUAL(found.count, COMPLETIONS_MAX);
    CU_ASSERT_EQUAL(found.common, 4);
    console_complete((struct slice){0}, slice_text("w"), &found);
    CU_ASSERT_EQUAL(found.count, 0);
}

/* ---- what a terminal is shown ----------------------------------------------------------------- */

/* The output arrives in two parts, wherever it is cut. */
static void expect_clean(const char *output, const char *expected)
{
    for (size_t cut = 0; cut <= strlen(output); cut++) {
        struct console_cleaner cleaner = {0};
        struct buf clean = {0};
        console_clean(&cleaner, output, cut, &clean);
        console_clean(&cleaner, output + cut, strlen(output) - cut, &clean);
        CU_ASSERT_TRUE(slice_equal(buf_slice(&clean), slice_text(expected)));
        buf_release(&clean);
    }
}

static void test_a_terminal_is_not_driven(void)
{
    expect_clean("a\tb\n", "a\tb\n");
    expect_clean("\x1b]0;owned\x07\x1b[2J\r\x7f", "?]0;owned??[2J??");
    expect_clean("gr\xc3\xbc\xc3\x9f \xc2\xa9 \xe2\x82\xac", "gr\xc3\xbc\xc3\x9f \xc2\xa9 \xe2\x82\xac");
    expect_clean("\xc2\x9b"
                 "31m \xc2\xc2\x9b \xc2\x1b",
                 "?31m \xc2? ?"); /* CSI as one character */
}

int main(void)
{
    CU_TestInfo tests[] = {
        {"words arrive as they were given", test_words_arrive_as_they_were_given},
        {"all short words", test_all_short_words},
        {"what is left as it is", test_what_is_left_as_it_is},
        {"addresses", test_addresses},
        {"completion", test_completion},
        {"a terminal is not driven", test_a_terminal_is_not_driven},
        {"more commands than are kept", test_more_commands_than_are_kept},
        CU_TEST_INFO_NULL,
    };
    return unit_run("console_tools", tests);
}
