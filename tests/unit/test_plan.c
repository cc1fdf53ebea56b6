/* plan: which modules a configuration wants, and in which order. */
#include <string.h>
#include "module/plan.h"
#include "unit.h"

static const struct {
    const char *name, *text;
} manifests[] = {
    {"base.ecm", "[base]\nkind = singleton\n"},
    {"middle.ecm", "[middle]\nkind = singleton\nmsys.requires = base\n"},
    {"top.ecm", "[top]\nkind = generic\nmsys.requires = middle base\n"},
    {"implicit.ecm",
     "[implicit]\nkind = singleton\nmsys.requires = base\nmsys.provides = config.Global:gateway\n"},
    {"left.ecm", "[left]\nrequires = right\n"},
    {"right.ecm", "[right]\nrequires = left\n"},
    {"lost.ecm", "[lost]\nrequires = nowhere\n"},
};

/* The plan for a configuration as "base top:a top:b", or "error: ..." with what it says, without the
 * directory. */
static void describe(const char *configuration, char *text, size_t size)
{
    char directory[UNIT_PATH_SIZE], path[256], error[480];
    unit_directory(directory);
    for (size_t i = 0; i < sizeof manifests / sizeof manifests[0]; i++) {
        snprintf(path, sizeof path, "%s/%s", directory, manifests[i].name);
        FILE *out = fopen(path, "w");
        CU_ASSERT_PTR_NOT_NULL_FATAL(out);
        fputs(manifests[i].text, out);
        fclose(out);
    }
    struct conf_load_options options = {0};
    struct conf_report *report;
    struct manifest_set *set = manifest_set_read(directory, error, sizeof error);
    CU_ASSERT_PTR_NOT_NULL_FATAL(set);
    options.modules = manifest_set_schemas(set, &options.module_count);
    struct conf *conf = conf_load_text("t.conf", configuration, strlen(configuration), &options, &report);
    if (!conf)
        conf_report_print(report, CONF_NOTE, stderr);
    CU_ASSERT_PTR_NOT_NULL_FATAL(conf);
    struct plan plan;
    *text = '\0';
    if (!plan_make(&plan, conf, set, error, sizeof error))
        snprintf(text, size, "error: %s",
                 error + (strncmp(error, directory, strlen(directory)) ? 0 : strlen(directory)));
    else
        for (size_t i = 0; i < plan.count; i++) {
            const struct conf_scope *scope = plan.items[i].scope;
            const char *instance = scope ? conf_scope_name(scope) : "";
            snprintf(text + strlen(text), size - strlen(text), "%s%s%s%s", i ? " " : "",
                     plan.items[i].manifest->name, *instance ? ":" : "", instance);
        }
    plan_release(&plan);
    conf_unref(conf);
    conf_report_free(report);
    manifest_set_free(set);
    unit_directory_remove(directory);
}

static void test_plans(void)
{
    static const struct {
        const char *configuration, *plan;
    } cases[] = {
        {"", ""},
        {"base { }", "base"},
        {"middle { }", "base middle"},
        {"top \"a\" { } top \"b\" { }", "base middle top:a top:b"},
        {"top \"b\" { } base { } top \"a\" { } middle { }",
         "base middle top:b top:a"}, /* the order of the file */
        {"gateway = \"10.0.0.1\"", "base implicit"},
        {"Domain \"x.example\" { gateway = \"10.0.0.1\" }", "base implicit"},
        {"Binding \"b\" { Domain \"x.example\" { gateway = \"10.0.0.1\" } } top \"a\" { }",
         "base middle top:a implicit"},
        {"implicit { } gateway = \"10.0.0.1\"", "base implicit"},
        {"left \"a\" { }", "error: /left.ecm: module \"left\" requires itself through others"},
        {"lost \"a\" { }", "error: /lost.ecm: module \"lost\" requires \"nowhere\", which has no manifest"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char text[512];
        describe(cases[i].configuration, text, sizeof text);
        if (strcmp(text, cases[i].plan) != 0)
            fprintf(stderr, "%s\n  is:       %s\n  expected: %s\n", cases[i].configuration, text,
                    cases[i].plan);
        CU_ASSERT_STRING_EQUAL(text, cases[i].plan);
    }
}

int main(void)
{
    CU_TestInfo tests[] = {{"plans", test_plans}, CU_TEST_INFO_NULL};
    return unit_run("plan", tests);
}
