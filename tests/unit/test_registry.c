/*
 * Registries: rows under names, from several owners, one registry on another.
 */
#include "base/registry.h"

#include "unit.h"

static int things[4], released;

static void count_release(void *what)
{
    (void)what;
    released++;
}

static bool add(struct registry *registry, const char *name, const char *owner, int *what, char error[128])
{
    struct registry_row row = {
        .name = name, .owner = owner, .help = "is one", .thread = "main", .what = what};
    return registry_add(registry, &row, error, 128);
}

static const char *after(const struct registry *registry, const struct registry_row **at)
{
    *at = registry_next(registry, *at);
    return *at ? (*at)->name : "end";
}

static void test_names(void)
{
    struct registry registry = {.kind = "thing"};
    char error[128] = "";
    CU_ASSERT_TRUE(add(&registry, "Pear", "the core", &things[0], error));
    CU_ASSERT_TRUE(add(&registry, "apple", "the core", &things[1], error));
    CU_ASSERT_PTR_EQUAL(registry_find(&registry, slice_text("pear"))->what, &things[0]);
    CU_ASSERT_PTR_EQUAL(registry_find(&registry, slice_text("APPLE"))->what, &things[1]);
    CU_ASSERT_STRING_EQUAL(registry_find(&registry, slice_text("apple"))->help, "is one");
    CU_ASSERT_PTR_NULL(registry_find(&registry, slice_text("app")));
    CU_ASSERT_STRING_EQUAL(error, "");
    registry_release(&registry);
    CU_ASSERT_PTR_NULL(registry_find(&registry, slice_text("pear")));
}

static void test_two_owners(void)
{
    struct registry core = {.kind = "thing"}, more = {.kind = "thing", .below = &core};
    char error[128] = "";
    CU_ASSERT_TRUE(add(&core, "pear", "the core", &things[0], error));
    CU_ASSERT_TRUE(add(&core, "pear", "the core", &things[0], error)); /* the same row */
    CU_ASSERT_FALSE(add(&core, "pear", "another", &things[1], error));
    CU_ASSERT_FALSE(add(&more, "PEAR", "module x", &things[1], error));
    CU_ASSERT_STRING_EQUAL(error, "thing \"PEAR\" of module x is already registered by the core");
    CU_ASSERT_PTR_EQUAL(registry_find(&more, slice_text("pear"))->what, &things[0]);
    registry_release(&core);
}

static void test_order(void)
{
    struct registry core = {.kind = "thing"},
                    more = {.kind = "thing", .below = &core, .release = count_release};
    const struct registry_row *at = NULL;
    char error[128];
    add(&core, "b", "the core", &things[0], error);
    add(&core, "d", "the core", &things[1], error);
    add(&more, "c", "module x", &things[2], error);
    add(&more, "A", "module x", &things[3], error);
    CU_ASSERT_STRING_EQUAL(after(&more, &at), "A");
    CU_ASSERT_STRING_EQUAL(after(&more, &at), "b");
    CU_ASSERT_STRING_EQUAL(after(&more, &at), "c");
    CU_ASSERT_STRING_EQUAL(after(&more, &at), "d");
    CU_ASSERT_STRING_EQUAL(after(&more, &at), "end");
    registry_release(&more);
    CU_ASSERT_EQUAL(released, 2);
    CU_ASSERT_STRING_EQUAL(after(&more, &at), "b");
    registry_release(&core);
}

int main(void)
{
    CU_TestInfo tests[] = {
        {"names", test_names}, {"two owners", test_two_owners}, {"order", test_order}, CU_TEST_INFO_NULL};
    return unit_run("registry", tests);
}
