/* Includes: where a file is looked for, what a directory means, and what goes wrong. */
#include <sys/stat.h>
#include "conf_harness.h"

static char directory[UNIT_PATH_SIZE];

static void path_of(const char *name, char path[300])
{
    snprintf(path, 300, "%s/%s", directory, name);
}

static void write_file(const char *name, const char *format, ...)
{
    char path[300];
    path_of(name, path);
    FILE *out = fopen(path, "w");
    CU_ASSERT_PTR_NOT_NULL_FATAL(out);
    va_list arguments;
    va_start(arguments, format);
    vfprintf(out, format, arguments);
    va_end(arguments);
    fclose(out);
}

static struct conf *load(const char *name)
{
    char path[300];
    path_of(name, path);
    return conf_load(path, NULL, &found);
}

static void test_files(void)
{
    struct conf *conf = conf_of_file("include-outer.conf");
    CU_ASSERT_EQUAL(conf_report_count(found), 0);
    CU_ASSERT_PTR_NOT_NULL_FATAL(conf);
    const struct conf_scope *root = conf_root(conf), *domain = at(conf, "domain", "d", NULL);
    CU_ASSERT_STRING_EQUAL(text_of(root, "retry_interval"), "2"); /* the included file came later */
    CU_ASSERT_STRING_EQUAL(text_of(root, "hostname"), "inner");
    CU_ASSERT(strstr(conf_scope_value(root, "hostname")->place.file, "tests/conf/include-inner.conf") !=
              NULL);
    CU_ASSERT_STRING_EQUAL(text_of(domain, "retry_interval"), "10");
    CU_ASSERT_STRING_EQUAL(text_of(domain, "ehlo_hostname"), "twenty"); /* in the order of names */
    conf_drop(conf);
}

static void test_scopes(void)
{
    struct conf *conf = conf_of_file("include-scopes.conf");
    CU_ASSERT_EQUAL(conf_report_errors(found), 0);
    CU_ASSERT_PTR_NOT_NULL_FATAL(conf);
    const struct conf_scope *group = at(conf, "binding_group", "g", NULL);
    CU_ASSERT_STRING_EQUAL(
        text_of(at(conf, "binding_group", "g", "binding", "b", "domain", "d", NULL), "retry_interval"), "77");
    CU_ASSERT_STRING_EQUAL(text_of(conf_scope_find(group, "binding", "from-a-file"), "retry_interval"), "77");
    CU_ASSERT_STRING_EQUAL(
        text_of(at(conf, "esmtp_listener", "", "listen", ":25", "peer", "10.0.0.1", NULL), "idle_time"), "5");
    CU_ASSERT_STRING_EQUAL(text_of(at(conf, "scriptlet", "scriptlet", "script", "s", NULL), "source"),
                           "msys.boot");
    CU_ASSERT_STRING_EQUAL(text_of(conf_root(conf), "retry_interval"), "(unset)");
    conf_drop(conf);

    conf = conf_of_file("include-twice.conf");
    CU_ASSERT_EQUAL(conf_report_count(found), 0);
    CU_ASSERT_PTR_NOT_NULL_FATAL(conf);
    CU_ASSERT_STRING_EQUAL(text_of(conf_root(conf), "retry_interval"), "77");
    CU_ASSERT_STRING_EQUAL(text_of(at(conf, "domain", "d", NULL), "retry_interval"), "77");
    conf_drop(conf);
}

static void test_wrong_includes(void)
{
    static const struct {
        unsigned line, column;
        const char *part;
    } expected[] = {
        {2, 9, "cannot include include-missing.conf: No such file or directory"},
        {3, 9,
         "cannot include http://config.example/mta.conf: expected a path, file:// or persist:// and a path"},
        {4, 20, "cannot include persist://https://config.example/domain.conf: expected a path"},
        {5, 9, "/dev/null is neither a file nor a directory"},
        {6, 9, "include-wrong.conf includes itself"},
        {7, 9, "the name of the file to include is empty"},
    };
    struct conf *conf = conf_of_file("include-wrong.conf");
    CU_ASSERT_PTR_NULL(conf);
    CU_ASSERT_EQUAL_FATAL(conf_report_count(found), sizeof expected / sizeof *expected);
    for (size_t i = 0; i < sizeof expected / sizeof *expected; i++) {
        const struct conf_diagnostic *d = conf_report_at(found, i);
        CU_ASSERT(d->place.line == expected[i].line && d->place.column == expected[i].column);
        CU_ASSERT_PTR_NOT_NULL(strstr(d->message, expected[i].part));
    }
    conf_drop(conf);
    conf = conf_of_file("include-cycle.conf");
    CU_ASSERT_PTR_NULL(conf);
    CU_ASSERT(only_finding(1, 29, "include-cycle.conf includes itself, directly or through another file"));
    conf_drop(conf);
}

static void test_places(void)
{
    unit_directory(directory);
    struct conf_load_options options = {.search_path = directory};
    char absolute[300];
    write_file("found.conf", "hostname = found\n");
    path_of("found.conf", absolute);
    char text[400];
    snprintf(text, sizeof text, "include \"%s\"", absolute);
    struct conf *conf = clean(text);
    CU_ASSERT_STRING_EQUAL(text_of(conf_root(conf), "hostname"), "found");
    conf_drop(conf);
    snprintf(text, sizeof text, "include \"file://%s\"", absolute);
    conf_drop(clean(text));
    snprintf(text, sizeof text, "include \"PERSIST://file://%s\"", absolute);
    conf_drop(clean(text));
    conf = conf_load_text("/nonexistent/text", "include found.conf", 18, &options, &found);
    CU_ASSERT_PTR_NOT_NULL(conf);
    conf_drop(conf);
    CU_ASSERT(refused("include found.conf", 1, 9, "cannot include found.conf: No such file or directory"));
    CU_ASSERT(refused("include \"\"", 1, 9, "the name of the file to include is empty"));
    unit_directory_remove(directory);
}

static void test_mistakes_in_files(void)
{
    unit_directory(directory);
    write_file("outer.conf", "include \"bad.conf\"\nretry_interval = bad\n");
    write_file("bad.conf", "hostname = a\nDomain x {\n  max_retries = bad\n");
    struct conf *conf = load("outer.conf");
    CU_ASSERT_PTR_NULL(conf);
    CU_ASSERT_EQUAL_FATAL(conf_report_errors(found), 3);
    static const struct {
        const char *file;
        unsigned line;
    } expected[] = {{"outer.conf", 2}, {"bad.conf", 2}, {"bad.conf", 3}};
    for (size_t i = 0; i < 3; i++) {
        CU_ASSERT_EQUAL(conf_report_at(found, i)->place.line, expected[i].line);
        CU_ASSERT(strstr(conf_report_at(found, i)->place.file, expected[i].file) != NULL);
    }
    conf_drop(conf);

    /* An included file is complete in itself: it cannot close the stanza it stands in. */
    write_file("outer.conf", "Domain x {\n  include \"bad.conf\"\n}\n");
    write_file("bad.conf", "retry_interval = 5\n}\n");
    conf = load("outer.conf");
    CU_ASSERT_PTR_NULL(conf);
    CU_ASSERT(only_finding(2, 1, "'}' closes nothing"));
    conf_drop(conf);
    unit_directory_remove(directory);
}

static void test_cycles(void)
{
    unit_directory(directory);
    write_file("self.conf", "include self.conf\n");
    struct conf *conf = load("self.conf");
    CU_ASSERT_PTR_NULL(conf);
    CU_ASSERT(only_finding(1, 9, "includes itself"));
    conf_drop(conf);

    write_file("one.conf", "include two.conf\n");
    write_file("two.conf", "Domain x {\n  include one.conf\n}\n");
    conf = load("one.conf");
    CU_ASSERT_PTR_NULL(conf);
    CU_ASSERT(only_finding(2, 11, "includes itself, directly or through another file"));
    conf_drop(conf);

    write_file("one.conf", "hostname = a\n");
    write_file("two.conf", "include one.conf\ninclude one.conf\n"); /* twice is no circle */
    conf = load("two.conf");
    CU_ASSERT_PTR_NOT_NULL(conf);
    conf_drop(conf);
    unit_directory_remove(directory);
}

static void test_bounds(void)
{
    unit_directory(directory);
    char name[32];
    for (int i = 0; i < 40; i++) {
        snprintf(name, sizeof name, "deep%d.conf", i);
        write_file(name, "include deep%d.conf\n", i + 1);
    }
    write_file("deep40.conf", "hostname = a\n");
    struct conf *conf = load("deep0.conf");
    CU_ASSERT_PTR_NULL(conf);
    CU_ASSERT(only_finding(1, 9, "files include each other deeper than 32"));
    conf_drop(conf);
    conf = load("deep8.conf");
    CU_ASSERT_PTR_NOT_NULL(conf);
    conf_drop(conf);

    /* Each file includes the next one twice: 2 to the power of 20 inclusions, if nothing stopped them. */
    for (int i = 0; i < 20; i++) {
        snprintf(name, sizeof name, "deep%d.conf", i);
        write_file(name, "include deep%d.conf\ninclude deep%d.conf\n", i + 1, i + 1);
    }
    write_file("deep20.conf", "hostname = a\n");
    conf = load("deep0.conf");
    CU_ASSERT_PTR_NULL(conf);
    CU_ASSERT(strstr(conf_report_at(found, 0)->message, "more than 10000 files are included") != NULL);
    conf_drop(conf);
    unit_directory_remove(directory);
}

static void test_directories(void)
{
    unit_directory(directory);
    char path[300];
    path_of("sub", path);
    CU_ASSERT_EQUAL_FATAL(mkdir(path, 0700), 0);
    path_of("sub/nested", path);
    CU_ASSERT_EQUAL_FATAL(mkdir(path, 0700), 0);
    write_file("sub/b.conf", "retry_interval = 2\nmax_retries = 2\n");
    write_file("sub/a.conf", "retry_interval = 1\nhostname = a\n");
    write_file("sub/.hidden", "bogus\n");
    write_file("sub/nested/c.conf", "bogus\n");
    path_of("sub/pipe", path);
    CU_ASSERT_EQUAL_FATAL(mkfifo(path, 0600), 0); /* reading it would wait for ever */
    write_file("main.conf", "include sub\n");
    struct conf *conf = load("main.conf");
    CU_ASSERT_PTR_NOT_NULL_FATAL(conf);
    CU_ASSERT_STRING_EQUAL(text_of(conf_root(conf), "retry_interval"), "2");
    CU_ASSERT_STRING_EQUAL(text_of(conf_root(conf), "hostname"), "a");
    conf_drop(conf);
    write_file("main.conf", "include sub/pipe\n");
    conf = load("main.conf");
    CU_ASSERT_PTR_NULL(conf);
    CU_ASSERT(only_finding(1, 9, "is neither a file nor a directory"));
    conf_drop(conf);
    path_of("sub/nested/c.conf", path), unlink(path);
    path_of("sub/nested", path), rmdir(path);
    path_of("sub", path);
    unit_directory_remove(path);
    unit_directory_remove(directory);
}

static void test_unreadable(void)
{
    unit_directory(directory);
    char path[300];
    write_file("main.conf", "include locked.conf\n");
    write_file("locked.conf", "hostname = a\n");
    path_of("locked.conf", path);
    chmod(path, 0);
    bool root = access(path, R_OK) == 0; /* who may read everything */
    struct conf *conf = load("main.conf");
    CU_ASSERT_EQUAL(conf != NULL, root);
    if (!root)
        CU_ASSERT(only_finding(1, 9, "Permission denied"));
    conf_drop(conf);
    unlink(path);
    path_of("dangling.conf", path);
    CU_ASSERT_EQUAL_FATAL(symlink("/nonexistent/file", path), 0);
    write_file("main.conf", "\n  include dangling.conf\n");
    conf = load("main.conf");
    CU_ASSERT_PTR_NULL(conf);
    CU_ASSERT(only_finding(2, 11, "No such file"));
    conf_drop(conf);
    unit_directory_remove(directory);
}

static void test_local_changes(void)
{
    unit_directory(directory);
    char path[300];
    path_of("changes.conf", path);
    write_file("main.conf", "Local_Changes_File = changes.conf\nretry_interval = 1\n");
    struct conf *conf = load("main.conf"); /* it need not exist */
    CU_ASSERT_PTR_NOT_NULL_FATAL(conf);
    CU_ASSERT_STRING_EQUAL(text_of(conf_root(conf), "retry_interval"), "1");
    conf_drop(conf);
    write_file("changes.conf", "retry_interval = 2\n");
    conf = load("main.conf"); /* and is read last, wherever it is named */
    CU_ASSERT_STRING_EQUAL(text_of(conf_root(conf), "retry_interval"), "2");
    conf_drop(conf);
    write_file("changes.conf", "retry_interval = two\n");
    conf = load("main.conf");
    CU_ASSERT_PTR_NULL(conf);
    CU_ASSERT(only_finding(1, 18, "expected a number of seconds"));
    conf_drop(conf);
    char message[600];
    write_file("main.conf", "Local_Changes_File = \"%05000d\"\n", 0); /* longer than any path */
    snprintf(message, sizeof message, "cannot read Local_Changes_File %s/0000", directory);
    conf = load("main.conf");
    CU_ASSERT_PTR_NULL(conf);
    CU_ASSERT(only_finding(1, 22, message));
    conf_drop(conf);
    unit_directory_remove(directory);
}

int main(void)
{
    CU_TestInfo tests[] = {
        {"files and directories", test_files},
        {"any scope, any number of times", test_scopes},
        {"what cannot be included", test_wrong_includes},
        {"places", test_places},
        {"mistakes in files", test_mistakes_in_files},
        {"circles", test_cycles},
        {"bounds", test_bounds},
        {"directories", test_directories},
        {"unreadable", test_unreadable},
        {"local changes", test_local_changes},
        CU_TEST_INFO_NULL,
    };
    return unit_run("include", tests);
}
