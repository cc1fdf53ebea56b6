/* The language: what each construct of ecelerity.conf reads as. The files are in tests/conf. */
#include "conf_harness.h"

static struct conf *good_file(const char *name)
{
    struct conf *conf = conf_of_file(name);
    CU_ASSERT_EQUAL(conf_report_errors(found), 0);
    if (conf_report_errors(found))
        conf_report_print(found, CONF_NOTE, stderr);
    CU_ASSERT_PTR_NOT_NULL_FATAL(conf);
    return conf;
}

static const struct conf_value *value_at(const struct conf_scope *scope, const char *option)
{
    const struct conf_value *value = conf_scope_value(scope, option);
    CU_ASSERT_PTR_NOT_NULL_FATAL(value);
    return value;
}

static bool items_are(const struct conf_value *value, size_t count, const char *const *items)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(value->items[i], items[i]) != 0)
            return false;
    return true;
}

static void test_momentum_example(void)
{
    struct conf *conf = good_file("momentum-listener.conf");
    CU_ASSERT_EQUAL(conf_report_count(found), 0);
    const struct conf_scope *listener = at(conf, "esmtp_listener", "", NULL);
    const struct conf_scope *first = conf_scope_next(listener, "listen", NULL);
    const struct conf_scope *second = conf_scope_next(listener, "listen", first);
    CU_ASSERT_STRING_EQUAL(conf_scope_name(first), ":25");
    CU_ASSERT_EQUAL(value_at(first, "listen_backlog")->number, 500);
    CU_ASSERT_EQUAL(value_at(first, "TCP_Recv_Buffer_Size")->number, 4096);
    CU_ASSERT_STRING_EQUAL(conf_scope_name(second), ":587");
    CU_ASSERT_EQUAL(value_at(second, "enable")->number, 0);
    CU_ASSERT_STRING_EQUAL(value_at(second, "pool_name")->text, "accept-pool");
    CU_ASSERT_PTR_NULL(conf_scope_next(listener, "listen", second));
    CU_ASSERT_EQUAL(value_at(at(conf, "threadpool", "accept-pool", NULL), "concurrency")->number, 4);
    conf_drop(conf);
}

static void test_comments(void)
{
    struct conf *conf = good_file("comments.conf");
    const struct conf_scope *root = conf_root(conf);
    CU_ASSERT_STRING_EQUAL(text_of(root, "hostname"), "one");
    CU_ASSERT_STRING_EQUAL(text_of(root, "spoolbase"), "/var/spool");
    CU_ASSERT_STRING_EQUAL(text_of(root, "pidfile"), "/run/#not a comment.pid");
    CU_ASSERT_STRING_EQUAL(text_of(root, "resolv_conf"), "/* nor this */");
    CU_ASSERT_EQUAL(value_at(root, "resolv_conf")->place.line, 8);
    conf_drop(conf);
}

static void test_quoting(void)
{
    static const char *const expected[][2] = {
        {"bare.example", "bare-word_1.example"},
        {"quoted.example", "two words"},
        {"single.example", "with \"quotes\""},
        {"escapes.example", "a\"b\\c\nd\te\\.f"},
        {"lines.example", "first\nsecond"},
        {"/path/like", "digest:///etc/passwd"},
        {"comma", "1,2"},
        {"empty", ""},
        {"backslashes", "\\n\\\"\\\\"},
        {"name \"in\" 'quotes' \\", "it's \"so\""},
    };
    struct conf *conf = good_file("quoting.conf");
    for (size_t i = 0; i < sizeof expected / sizeof *expected; i++)
        CU_ASSERT_STRING_EQUAL(text_of(at(conf, "domain", expected[i][0], NULL), "ehlo_hostname"),
                               expected[i][1]);
    conf_drop(conf);
}

static void test_lists(void)
{
    struct conf *conf = good_file("lists.conf");
    const struct conf_scope *root = conf_root(conf);
    const struct conf_value *value = value_at(root, "relay_domains");
    CU_ASSERT_EQUAL(value->type, CONF_LIST);
    CU_ASSERT_EQUAL_FATAL(value->count, 3);
    CU_ASSERT(items_are(value, 3, (const char *[]){"a.example", "b.example", "*.c.example"}));
    value = value_at(root, "bounce_domains");
    CU_ASSERT_EQUAL_FATAL(value->count, 3);
    CU_ASSERT(items_are(value, 3, (const char *[]){"a.example", "b.example", "c.example"}));
    CU_ASSERT_EQUAL(value_at(root, "hot_domains")->count, 0);
    value = value_at(root, "exclude_vctx_conn");
    CU_ASSERT_EQUAL_FATAL(value->count, 1);
    CU_ASSERT(items_are(value, 1, (const char *[]){"one"}));
    CU_ASSERT_EQUAL(value_at(root, "routes")->count, 2);
    conf_drop(conf);
}

static void test_dictionaries(void)
{
    struct conf *conf = good_file("dictionaries.conf");
    const struct conf_scope *listen = at(conf, "esmtp_listener", "", "listen", ":25", NULL);
    const struct conf_value *value = value_at(listen, "authloginparameters");
    CU_ASSERT_EQUAL(value->type, CONF_DICT);
    CU_ASSERT_EQUAL_FATAL(value->count, 2);
    CU_ASSERT(
        items_are(value, 4, (const char *[]){"uri", "file:///etc/passwd", "log_authentication", "true"}));
    value = value_at(listen, "authdigestmd5parameters");
    CU_ASSERT_EQUAL_FATAL(value->count, 1);
    CU_ASSERT(items_are(value, 2, (const char *[]){"uri", "digest:///etc/passwd"}));
    value = value_at(listen, "context");
    CU_ASSERT_EQUAL_FATAL(value->count, 3);
    CU_ASSERT(items_are(
        value, 6,
        (const char *[]){"one", "1", "two words", "( \"a\" \"b c\" )", "deep", "[ x = [ y = \"z\" ] ]"}));
    conf_drop(conf);
}

static void test_stanzas(void)
{
    struct conf *conf = good_file("stanzas.conf");
    const struct conf_scope *peer =
        at(conf, "esmtp_listener", "", "listen", ":25", "peer", "10.0.0.0/8", NULL);
    CU_ASSERT_STRING_EQUAL(text_of(peer, "idle_time"), "30");
    CU_ASSERT_STRING_EQUAL(text_of(at(conf, "security", "", NULL), "user"), "mail");
    const struct conf_scope *group = at(conf, "binding_group", "Group", NULL);
    CU_ASSERT_PTR_NOT_NULL_FATAL(group);
    CU_ASSERT_PTR_NULL(at(conf, "binding_group", "group", NULL)); /* these names have case */
    CU_ASSERT_PTR_NOT_NULL(conf_scope_find(group, "Binding", "one"));
    const struct conf_scope *binding = conf_scope_find(group, "binding", "ONE");
    CU_ASSERT_PTR_NOT_NULL_FATAL(binding);
    const struct conf_scope *domain = conf_scope_next(binding, NULL, NULL);
    CU_ASSERT_STRING_EQUAL(conf_scope_kind(domain), "domain");
    CU_ASSERT_STRING_EQUAL(conf_scope_name(domain), "/^(a|b)\\.example$/");
    CU_ASSERT_PTR_EQUAL(conf_scope_parent(domain), binding);
    CU_ASSERT_EQUAL(conf_scope_place(domain).line, 12);
    CU_ASSERT_EQUAL(conf_scope_place(domain).column, 19);
    CU_ASSERT_PTR_NULL(conf_scope_parent(conf_root(conf)));
    CU_ASSERT_STRING_EQUAL(conf_scope_kind(conf_root(conf)), "global");
    conf_drop(conf);
}

static void test_twice(void)
{
    struct conf *conf = good_file("twice.conf");
    const struct conf_scope *root = conf_root(conf);
    CU_ASSERT_STRING_EQUAL(text_of(root, "retry_interval"), "200");
    const struct conf_scope *first = conf_scope_next(root, "domain", NULL);
    const struct conf_scope *second = conf_scope_next(root, "domain", first);
    CU_ASSERT_STRING_EQUAL(conf_scope_name(first), "Example.com"); /* as it was written first */
    CU_ASSERT_STRING_EQUAL(text_of(first, "retry_interval"), "2");
    CU_ASSERT_STRING_EQUAL(text_of(first, "max_retries"), "5");
    CU_ASSERT_STRING_EQUAL(conf_scope_name(second), "other.example");
    CU_ASSERT_PTR_NULL(conf_scope_next(root, "domain", second));
    const struct conf_scope *peer = at(conf, "esmtp_listener", "", "listen", ":25", "peer", "10.0.0.1", NULL);
    CU_ASSERT_STRING_EQUAL(text_of(peer, "idle_time"), "20");
    conf_drop(conf);
}

static void test_line_ends(void)
{
    struct conf *conf = good_file("crlf.conf");
    const struct conf_scope *domain = at(conf, "domain", "x", NULL);
    CU_ASSERT_STRING_EQUAL(text_of(conf_root(conf), "hostname"), "a");
    CU_ASSERT_STRING_EQUAL(text_of(domain, "retry_interval"), "5");
    CU_ASSERT_STRING_EQUAL(text_of(domain, "ehlo_hostname"), "one\ntwo");
    CU_ASSERT_EQUAL(conf_scope_place(domain).line, 3);
    conf_drop(conf);
    conf = good_file("no-newline.conf");
    CU_ASSERT_STRING_EQUAL(text_of(conf_root(conf), "hostname"), "last");
    conf_drop(conf);
}

static void test_bytes(void)
{
    struct conf *conf = good_file("bytes.conf");
    CU_ASSERT_STRING_EQUAL(text_of(conf_root(conf), "hostname"), "h\xf6st");
    CU_ASSERT_PTR_NOT_NULL(at(conf, "domain", "\xff\xfe", NULL));
    conf_drop(conf);
    conf = clean("\xef\xbb\xbfhostname = mark");
    CU_ASSERT_STRING_EQUAL(text_of(conf_root(conf), "hostname"), "mark");
    conf_drop(conf);
}

static void test_nothing(void)
{
    static const char *const empty[] = {"", "\n", " \t\r\n", "# only this", "/* and this */"};
    for (size_t i = 0; i < sizeof empty / sizeof *empty; i++)
        conf_drop(clean(empty[i]));
}

static void test_words(void)
{
    struct conf *conf = clean("hostname = include\nspoolbase = /\npidfile = a//b/\nrelay_domains = (a/,b)\n"
                              "Domain include { gateway = readonly_include }");
    conf_drop(conf);
}

static void test_modules(void)
{
    struct conf *conf = good_file("modules.conf");
    CU_ASSERT_EQUAL_FATAL(conf_report_warnings(found), 3);
    CU_ASSERT_EQUAL(conf_report_at(found, 0)->place.line, 2);
    CU_ASSERT(strstr(conf_report_at(found, 0)->message, "module scriptlet is not available") != NULL);
    CU_ASSERT_EQUAL(conf_report_at(found, 1)->place.line, 4);
    CU_ASSERT(strstr(conf_report_at(found, 1)->message, "no option 'anything'") != NULL);
    CU_ASSERT_EQUAL(conf_report_at(found, 2)->place.line, 6);
    CU_ASSERT(strstr(conf_report_at(found, 2)->message, "and in 1 more place") != NULL);
    const struct conf_scope *script = at(conf, "scriptlet", "scriptlet", "script", "boot", NULL);
    CU_ASSERT_STRING_EQUAL(text_of(script, "source"), "msys.boot");
    conf_drop(conf);
}

/* ---- many stanzas -------------------------------------------------------------------------------------- */

/* Among few and among many, every child is found by any spelling of its name, and nothing else is. */
static void test_many_children(void)
{
    static char text[200000], name[400];
    for (int count = 1; count <= 1000; count *= 10) {
        size_t used = 0;
        for (int i = 0; i < count; i++)
            used += (size_t)snprintf(
                text + used, sizeof text - used,
                "Domain \"D%d.Example\" { } Binding B%d { } Binding b%d { } Domain \"/D%d/\" { }\n", i, i, i,
                i);
        snprintf(name, sizeof name, "%0300d", 7);
        snprintf(text + used, sizeof text - used,
                 "ESMTP_Listener { Listen \":25\" { Peer \"10.0.0.1/8\" { } } }\nDomain \"x%s\" { }\n", name);
        struct conf *conf = clean(text);
        for (int i = 0; i < count; i++) {
            snprintf(name, sizeof name, "d%d.eXAMPLE", i);
            CU_ASSERT(at(conf, "DOMAIN", name, NULL) &&
                      conf_scope_place(at(conf, "domain", name, NULL)).column == 1);
            snprintf(name, sizeof name, "/D%d/", i);
            CU_ASSERT_PTR_NOT_NULL(at(conf, "domain", name, NULL));
            name[1] = 'd';
            CU_ASSERT_PTR_NULL(at(conf, "domain", name, NULL));
            snprintf(name, sizeof name, "B%d", i);
            const struct conf_scope *upper = at(conf, "Binding", name, NULL);
            name[0] = 'b';
            CU_ASSERT(upper && at(conf, "binding", name, NULL) && upper != at(conf, "binding", name, NULL));
        }
        CU_ASSERT_PTR_NOT_NULL(at(conf, "esmtp_listener", "", "listen", ":25", "peer", "10.9.9.9/8", NULL));
        snprintf(name, sizeof name, "X%0300d", 7);
        CU_ASSERT_PTR_NOT_NULL(at(conf, "domain", name, NULL));
        CU_ASSERT_PTR_NULL(at(conf, "domain", "d0.example.", NULL));
        CU_ASSERT_PTR_NULL(at(conf, "host", "d0.example", NULL));
        CU_ASSERT_PTR_NULL(at(conf, "no_such_kind", "d0.example", NULL));
        CU_ASSERT_PTR_NULL(at(conf, "peer", "no block", NULL));
        conf_drop(conf);
    }
}

static double seconds_to_load(int stanzas)
{
    char *text;
    size_t size;
    FILE *file = open_memstream(&text, &size);
    CU_ASSERT_PTR_NOT_NULL_FATAL(file);
    for (int i = 0; i < stanzas; i++)
        fprintf(file, "Domain \"d%d.example\" { retry_interval = %d }\n", (i * 7919) % stanzas, i);
    fprintf(file, "ESMTP_Listener { Listen \":25\" {\n");
    for (int i = 0; i < stanzas; i++)
        fprintf(file, "Peer \"10.%d.%d.0/%d\" { idle_time = %d }\n", i / 256 % 256, i % 256, 24 + i / 65536,
                i);
    fprintf(file, "} }\n");
    fclose(file);
    struct timespec begin, end;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &begin);
    conf_drop(clean(text));
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &end);
    free(text);
    return (double)(end.tv_sec - begin.tv_sec) + (double)(end.tv_nsec - begin.tv_nsec) / 1e9;
}

/* Ten times as much takes some ten times as long. Were each stanza to look at the others, it would be a
 * hundred. */
static void test_growth(void)
{
    double few = seconds_to_load(3000), many = seconds_to_load(30000);
    CU_ASSERT(many < 40 * few);
}

int main(void)
{
    CU_TestInfo tests[] = {
        {"Momentum's example", test_momentum_example},
        {"comments", test_comments},
        {"words and strings", test_quoting},
        {"lists", test_lists},
        {"dictionaries", test_dictionaries},
        {"stanzas", test_stanzas},
        {"a scope written twice", test_twice},
        {"line ends", test_line_ends},
        {"bytes that are no UTF-8", test_bytes},
        {"nothing at all", test_nothing},
        {"odd words", test_words},
        {"modules without a manifest", test_modules},
        {"many children", test_many_children},
        {"growth", test_growth},
        CU_TEST_INFO_NULL,
    };
    return unit_run("language", tests);
}
