/* context: set, replace, remove, the limit, and the form that the rejectlog shows. */
#include <stdlib.h>
#include "message/context.h"
#include "unit.h"

static void check_format(struct context *context, const char *expected)
{
    struct buf out = {0};
    context_format(context_pairs(context), &out);
    buf_append(&out, "", 1);
    CU_ASSERT_STRING_EQUAL(buf_slice(&out).data, expected);
    buf_release(&out);
}

static void test_set_and_get(void)
{
    struct context context = {0};
    CU_ASSERT_PTR_NULL(context_get(&context, "a"));
    CU_ASSERT_TRUE(context_set(&context, "a", "1"));
    CU_ASSERT_TRUE(context_set(&context, "b", ""));
    CU_ASSERT_TRUE(context_set(&context, "ab", "three words here"));
    CU_ASSERT_STRING_EQUAL(context_get(&context, "a"), "1");
    CU_ASSERT_STRING_EQUAL(context_get(&context, "b"), "");
    CU_ASSERT_STRING_EQUAL(context_get(&context, "ab"), "three words here");
    CU_ASSERT_PTR_NULL(context_get(&context, "A"));
    CU_ASSERT_PTR_NULL(context_get(&context, "three words here"));
    CU_ASSERT_FALSE(context_set(&context, "", "x"));
    context_clear(&context);
    CU_ASSERT_PTR_NULL(context_get(&context, "a"));
    CU_ASSERT_PTR_NULL(context.pairs.memory);
}

static void test_order_is_that_of_first_setting(void)
{
    struct context context = {0};
    context_set(&context, "one", "1");
    context_set(&context, "two", "2");
    context_set(&context, "three", "3");
    context_set(&context, "one", "longer than before");
    context_set(&context, "two", "");
    check_format(&context, "one=\"longer than before\",two=,three=3");
    context_set(&context, "two", NULL);
    context_set(&context, "missing", NULL);
    check_format(&context, "one=\"longer than before\",three=3");
    context_set(&context, "one", NULL);
    context_set(&context, "three", NULL);
    CU_ASSERT_PTR_NULL(context.pairs.memory); /* an empty context costs nothing */
}

static void test_value_of_its_own(void)
{
    struct context context = {0};
    char name[8];
    context_set(&context, "value", "0123456789012345678901234567890123456789");
    for (int i = 0; i < 100; i++) { /* the buffer moves while its own bytes are copied */
        snprintf(name, sizeof name, "n%d", i);
        CU_ASSERT_TRUE(context_set(&context, name, context_get(&context, "value")));
    }
    CU_ASSERT_TRUE(context_set(&context, "n50", context_get(&context, "n99")));
    CU_ASSERT_STRING_EQUAL(context_get(&context, "n50"), "0123456789012345678901234567890123456789");
    context_clear(&context);
}

static void test_limit(void)
{
    struct context context = {0};
    char *large = malloc(CONTEXT_LIMIT + 1);
    memset(large, 'x', CONTEXT_LIMIT);
    large[CONTEXT_LIMIT] = '\0';
    CU_ASSERT_FALSE(context_set(&context, "a", large));
    large[CONTEXT_LIMIT - 2] = '\0';
    CU_ASSERT_FALSE(context_set(&context, "a", large));
    large[CONTEXT_LIMIT - 3] = '\0'; /* "a" NUL value NUL: exactly the limit */
    CU_ASSERT_TRUE(context_set(&context, "a", large));
    CU_ASSERT_FALSE(context_set(&context, "b", ""));
    CU_ASSERT_TRUE(context_set(&context, "a", "small again"));
    CU_ASSERT_TRUE(context_set(&context, "b", ""));
    free(large);
    context_clear(&context);
}

static void test_quoting(void)
{
    struct context context = {0};
    context_set(&context, "ehlo_string", "EHLO rh52-node1");
    context_set(&context, "list", "a,b");
    context_set(&context, "quote", "say \"no\" \\");
    context_set(&context, "bracket", "]");
    check_format(&context,
                 "ehlo_string=\"EHLO rh52-node1\",list=\"a,b\",quote=\"say \\\"no\\\" \\\\\",bracket=\"]\"");
    context_clear(&context);
}

int main(void)
{
    CU_TestInfo tests[] = {
        {"set and get", test_set_and_get},
        {"order", test_order_is_that_of_first_setting},
        {"a value out of the context itself", test_value_of_its_own},
        {"limit", test_limit},
        {"quoting", test_quoting},
        CU_TEST_INFO_NULL,
    };
    return unit_run("context", tests);
}
