/*
 * Taking a command line apart.
 */
#include "control/words.h"
#include <string.h>
#include "unit.h"

/* `expected` are the words, each behind a newline. */
static void check(const char *line, const char *expected)
{
    struct words words;
    const char *problem;
    char joined[256] = "";
    CU_ASSERT_TRUE(words_split(&words, line, strlen(line), &problem));
    for (size_t i = 0; i < words.count; i++) {
        strncat(joined, "\n", sizeof joined - strlen(joined) - 1);
        strncat(joined, words.items[i], sizeof joined - strlen(joined) - 1);
    }
    CU_ASSERT_STRING_EQUAL(joined, expected);
    words_release(&words);
}

static void check_problem(const char *line, size_t size, const char *part)
{
    struct words words;
    const char *problem;
    CU_ASSERT_FALSE(words_split(&words, line, size, &problem));
    CU_ASSERT_PTR_NOT_NULL(strstr(problem, part));
    words_release(&words);
}

static void test_words(void)
{
    check("", "");
    check(" \t\r ", "");
    check("config get hostname", "\nconfig\nget\nhostname");
    check("  summary\t", "\nsummary");
    check("listen :25 [::1]:25", "\nlisten\n:25\n[\n::1\n]\n:25");
    check("a,b /opt/x digest:///p", "\na,b\n/opt/x\ndigest:///p");
}

static void test_quotes(void)
{
    check("\"a b\" 'c \"d'", "\na b\nc \"d");
    check("\"\" x", "\n\nx");
    check("\"q\\\"q\" \"t\\tn\\n\" \"r\\d\"", "\nq\"q\nt\tn\n\nr\\d");
    check("a\"b\"c", "\na\nb\nc");
    check("\"#\" \"(\"", "\n#\n(");
}

static void test_marks(void)
{
    check("x=1", "\nx\n=\n1");
    check("Relay_Hosts (10.0.0.1 10.0.0.2)", "\nRelay_Hosts\n(\n10.0.0.1\n10.0.0.2\n)");
    check("( a, b,c ) d,e", "\n(\na\nb\nc\n)\nd,e");
    check("[ k = v ]", "\n[\nk\n=\nv\n]");
    check(") a,b", "\n)\na,b");
}

static void test_problems(void)
{
    check_problem("\"a", 2, "not closed");
    check_problem("'a\\'", 4, "not closed");
    check_problem("a # b", 5, "quotes");
    check_problem("a#b", 3, "quotes");
    check_problem("a\0b", 3, "NUL");
}

int main(void)
{
    CU_TestInfo tests[] = {
        {"words", test_words},       {"quotes", test_quotes}, {"marks", test_marks},
        {"problems", test_problems}, CU_TEST_INFO_NULL,
    };
    return unit_run("console words", tests);
}
