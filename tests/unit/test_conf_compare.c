/* What may not change at reload and did: each is named once, with what it was and what it is. */
#include "confparse/compare.h"
#include "conf_harness.h"

static char told[4096]; /* "SCOPE NAME OPTION was>is;" for each, was or is "-" where it is not set */

static void tell(const struct conf_option *option, const struct conf_scope *scope,
                 const struct conf_value *was, const struct conf_value *is, void *argument)
{
    size_t size = strlen(told);
    CU_ASSERT_PTR_EQUAL(argument, told);
    snprintf(told + size, sizeof told - size, "%s %s %s %s>%s;", conf_scope_kind(scope),
             conf_scope_name(scope), option->name, was ? was->text : "-", is ? is->text : "-");
}

/* What is told about going from the one text to the other. */
static const char *changes(const char *before, const char *after)
{
    struct conf *a = clean(before);
    struct conf_report *report_of_a = found;
    struct conf *b = clean(after);
    told[0] = '\0';
    size_t count = conf_compare_static(a, b, tell, told), semicolons = 0;
    for (const char *c = told; *c; c++)
        semicolons += *c == ';';
    CU_ASSERT_EQUAL(count, semicolons);
    conf_unref(a);
    conf_report_free(report_of_a);
    conf_drop(b);
    return told;
}

static void test_static_options(void)
{
    CU_ASSERT_STRING_EQUAL(changes("", ""), "");
    CU_ASSERT_STRING_EQUAL(changes("spoolbase = /a", "spoolbase = /a"), "");
    CU_ASSERT_STRING_EQUAL(changes("spoolbase = /a", "spoolbase = /b"), "global  spoolbase /a>/b;");
    CU_ASSERT_STRING_EQUAL(changes("", "pidfile = /p"), "global  pidfile ->/p;");
    CU_ASSERT_STRING_EQUAL(changes("pidfile = /p", ""), "global  pidfile /p>-;");
    CU_ASSERT_STRING_EQUAL(changes("hostname = a.example", "hostname = b.example"), "");
}

static void test_static_stanzas(void)
{
    const char *two = "EventLoop x { concurrency = 2 }", *three = "EventLoop x { concurrency = 3 }";
    CU_ASSERT_STRING_EQUAL(changes(two, three), "eventloop x concurrency 2>3;");
    CU_ASSERT_STRING_EQUAL(changes("", two), "eventloop x concurrency ->2;");
    CU_ASSERT_STRING_EQUAL(changes(two, ""), "eventloop x concurrency 2>-;");
    /* The same option of a Listen may change, and a new Listen has what its stanza says. */
    CU_ASSERT_STRING_EQUAL(changes("esmtp_listener { listen \":25\" { concurrency = 2 } }",
                                   "esmtp_listener { listen \":25\" { concurrency = 3 } }"),
                           "");
    CU_ASSERT_STRING_EQUAL(
        changes("esmtp_listener { }", "esmtp_listener { listen \":25\" { event_loop = a } }"), "");
    CU_ASSERT_STRING_EQUAL(changes("threadpool IO { concurrency = 2 }", "threadpool IO { concurrency = 3 }"),
                           "threadpool IO concurrency 2>3;");
    CU_ASSERT_STRING_EQUAL(changes("esmtp_listener { listen \":25\" { event_loop = a } }",
                                   "esmtp_listener { listen \":25\" { event_loop = b } }"),
                           "listen :25 event_loop a>b;");
}

static void test_same_meaning(void)
{
    CU_ASSERT_STRING_EQUAL(
        changes("threadpool IO { stack_size = 1m }", "threadpool io { stack_size = 1048576 }"), "");
    CU_ASSERT_STRING_EQUAL(changes("threadpool IO { stack_size = 1m }", "threadpool IO { stack_size = 2m }"),
                           "threadpool IO stack_size 1m>2m;");
}

/* A thousand stanzas in another order, of which one is other. */
static void test_order(void)
{
    static char before[100000], after[100000];
    size_t a = 0, b = 0;
    for (int i = 0; i < 1000; i++) {
        a += (size_t)snprintf(before + a, sizeof before - a, "threadpool p%d { backlog = %d }\n", i, i);
        b += (size_t)snprintf(after + b, sizeof after - b, "threadpool p%d { backlog = %d }\n", 999 - i,
                              999 - i + (i == 500 || i == 7));
    }
    CU_ASSERT_STRING_EQUAL(changes(before, after),
                           "threadpool p992 backlog 992>993;threadpool p499 backlog 499>500;");
}

int main(void)
{
    CU_TestInfo tests[] = {
        {"options that may not change", test_static_options},
        {"stanzas that may not change", test_static_stanzas},
        {"values that mean the same", test_same_meaning},
        {"in order of the file", test_order},
        CU_TEST_INFO_NULL,
    };
    return unit_run("conf compare", tests);
}
