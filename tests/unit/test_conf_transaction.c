/* test_conf_transaction: config set and unset: answers, the place of a change, and that nothing else changes.
 */
#include <sys/stat.h>
#include "conf_session.h"
#include "conf_trees.h"

static void begin_files(void)
{
    unit_directory(place);
}

static void end_files(struct conf *conf)
{
    conf_unref(conf);
    unit_directory_remove(place);
}

/* ---- texts ----------------------------------------------------------------------------------- */

/* One file, one command, and the file after it. */
static bool edits(const char *before, const char *line, const char *after)
{
    begin_files();
    write_file("main.conf", before);
    struct conf *conf = change(load_main(), line);
    bool good = text_is(conf, "main.conf", after);
    if (!good)
        fprintf(stderr, "%s: %s", line, answer);
    end_files(conf);
    return good;
}

static void test_in_place(void)
{
    CU_ASSERT(edits("# top\nRetry_Interval=1200 # twenty minutes\n\nMax_Retries = 3\n",
                    "set retry_interval 5", "# top\nRetry_Interval=5 # twenty minutes\n\nMax_Retries = 3\n"));
    CU_ASSERT(edits("Gateway = \"a.example\"Retry_Interval = 5\n", "set retry_interval 6",
                    "Gateway = \"a.example\"Retry_Interval = 6\n"));
    CU_ASSERT(edits("Routes = \"smtp://a\"Retry_Interval = 5\n", "set routes b",
                    "Routes = ( \"b\" ) Retry_Interval = 5\n"));
    CU_ASSERT(edits("Domain a.example { Retry_Interval = 5}", "set domain A.EXAMPLE retry_interval = 6",
                    "Domain a.example { Retry_Interval = 6}"));
    CU_ASSERT(edits("retry_interval = /* a */ 5 /* b */\n", "set retry_interval 6",
                    "retry_interval = /* a */ 6 /* b */\n"));
    /* the last of several is the one that counts */
    CU_ASSERT(edits("Retry_Interval = 1\nRetry_Interval = 2\n", "set retry_interval 3",
                    "Retry_Interval = 1\nRetry_Interval = 3\n"));
    CU_ASSERT(edits("Domain a { Max_Retries = 1 }\nDomain A { Max_Retries = 2 }\n",
                    "set domain a max_retries 3",
                    "Domain a { Max_Retries = 1 }\nDomain A { Max_Retries = 3 }\n"));
}

static void test_lists_in_place(void)
{
    CU_ASSERT(edits("Routes ( \"smtp://a\" )\n", "set routes ( b c )", "Routes ( \"b\" \"c\" )\n"));
    CU_ASSERT(edits("Routes(\"smtp://a\")\n", "set routes ( )", "Routes( )\n"));
    CU_ASSERT(edits("Domain a {\n  Routes = (\n    \"x\"\n  ) # why\n}\n", "set domain a routes ( b , c )",
                    "Domain a {\n  Routes = (\n    \"b\"\n    \"c\"\n  ) # why\n}\n"));
    CU_ASSERT(edits("Domain a {\r\n\tRoutes = (\r\n\t\t\"x\"\r\n\t)\r\n}\r\n", "set domain a routes ( b )",
                    "Domain a {\r\n\tRoutes = (\r\n\t  \"b\"\r\n\t)\r\n}\r\n"));
}

static void test_additions(void)
{
    CU_ASSERT(edits("", "set retry_interval 5", "Retry_Interval = 5\n"));
    CU_ASSERT(edits("# no line end", "set retry_interval 5", "# no line end\nRetry_Interval = 5\n"));
    CU_ASSERT(
        edits("Max_Retries = 3\r\n", "set retry_interval 5", "Max_Retries = 3\r\nRetry_Interval = 5\r\n"));
    CU_ASSERT(edits("Domain a {\n\tMax_Retries = 3\n}\n", "set domain a retry_interval 5",
                    "Domain a {\n\tMax_Retries = 3\n\tRetry_Interval = 5\n}\n"));
    CU_ASSERT(
        edits("Domain a { }\n", "set domain a retry_interval 5", "Domain a {\n  Retry_Interval = 5\n}\n"));
    CU_ASSERT(edits("Domain a { Max_Retries = 3 }\n", "set domain a retry_interval 5",
                    "Domain a { Max_Retries = 3\n  Retry_Interval = 5\n}\n"));
    CU_ASSERT(edits("Binding b { Domain a {} }\n", "set binding b domain a retry_interval 5",
                    "Binding b { Domain a {\n  Retry_Interval = 5\n} }\n"));
    CU_ASSERT(edits("Domain a {\n/* x\n*/ }\n", "set domain a retry_interval 5",
                    "Domain a {\n/* x\n*/\n  Retry_Interval = 5\n}\n"));
    CU_ASSERT(edits("Esmtp_Listener {\n    Listen \":25\" { }\n}\n",
                    "set esmtp_listener listen :587 concurrency 5",
                    "Esmtp_Listener {\n    Listen \":25\" { }\n    Listen \":587\" {\n      Concurrency = "
                    "5\n    }\n}\n"));
    CU_ASSERT(edits("Max_Retries = 3\n", "set binding_group g binding b domain d max_retries 4",
                    "Max_Retries = 3\nBinding_Group \"g\" {\n  Binding \"b\" {\n    Domain \"d\" {\n"
                    "      Max_Retries = 4\n    }\n  }\n}\n"));
    CU_ASSERT(edits(
        "Domain a {\n  Routes = (\n    \"x\"\n  )\n}\n", "set domain b routes ( c )",
        "Domain a {\n  Routes = (\n    \"x\"\n  )\n}\nDomain \"b\" {\n  Routes = (\n    \"c\"\n  )\n}\n"));
}

static void test_removals(void)
{
    CU_ASSERT(edits("Max_Retries = 3\n  Retry_Interval = 5 \nGateway = x\n", "unset retry_interval",
                    "Max_Retries = 3\nGateway = x\n"));
    CU_ASSERT(edits("Retry_Interval = 5 # why\n", "unset retry_interval", "# why\n"));
    CU_ASSERT(edits("Domain a { Retry_Interval = 5 Max_Retries = 3 }\n", "unset domain a retry_interval",
                    "Domain a { Max_Retries = 3 }\n"));
    CU_ASSERT(edits("Domain a{Retry_Interval=5}", "unset domain a retry_interval", "Domain a{}"));
    CU_ASSERT(edits("Gateway = \"x\"Retry_Interval = 5\n", "unset retry_interval", "Gateway = \"x\" \n"));
    CU_ASSERT(edits("Retry_Interval = 5\nMax_Retries = 3\nRetry_Interval = 6", "unset retry_interval",
                    "Max_Retries = 3\n"));
    CU_ASSERT(edits("Routes = (\n  a\n  b )\r\nMax_Retries = 3\r\n", "unset routes", "Max_Retries = 3\r\n"));
    CU_ASSERT(edits("Binding b {\n  Max_Retries = 1\n  Domain d { Retry_Interval = 2 }\n}\nMax_Retries = 3\n",
                    "unset binding b", "Binding b {\n  Domain d { }\n}\nMax_Retries = 3\n"));
}

/* ---- answers --------------------------------------------------------------------------------- */

static bool says(struct conf_transaction *transaction, const char *line, bool good, const char *expected)
{
    bool same = command(transaction, line) == good && strcmp(answer, expected) == 0;
    if (!same)
        fprintf(stderr, "%s:\n%s", line, answer);
    return same;
}

static const char manual[] = "Message_Expiration = 86400\n\n"
                             "Domain earthlink.net {\n  Message_Expiration = 900\n}\n\n"
                             "Binding smtp-01 {\n  EHLO_Hostname = \"smtp-01.com\"\n"
                             "  Domain relay.com {\n    EHLO_Hostname = \"relay.com\"\n  }\n}\n";

static void test_answers(void)
{
    begin_files();
    write_file("main.conf", manual);
    struct conf *conf = load_main();
    struct conf_transaction *t = conf_transaction_begin(conf, false, NULL);
    CU_ASSERT(says(t, "set suspend_delivery true", true, "Suspend_Delivery = true\n"));
    CU_ASSERT(says(t, "set suspend_delivery enabled", true, "Suspend_Delivery = enabled\n"));
    CU_ASSERT(says(t, "unset domain earthlink.net message_expiration", true,
                   "\"Message_Expiration\" has been unset. Effective value is now:\n"
                   "        Message_Expiration = 86400\n"));
    CU_ASSERT(says(t, "unset binding smtp-01 domain relay.com ehlo_hostname", true,
                   "\"EHLO_Hostname\" has been unset. Effective value is now:\n"
                   "        EHLO_Hostname = \"smtp-01.com\"\n"));
    CU_ASSERT(says(t, "set relay_hosts ( 10.0.0.1 10.0.0.2 )", true,
                   "Relay_Hosts = (\n  10.0.0.1\n  10.0.0.2\n)\n"));
    CU_ASSERT(says(t, "set domain d gateway = 10.0.0.1", true, "        Gateway = \"10.0.0.1\"\n"));
    CU_ASSERT(says(t, "unset domain d gateway", true, "\"Gateway\" has been unset.\n"));
    CU_ASSERT(
        says(t, "unset domain d gateway", false, "Option 'Gateway' is not set in scope 'Domain \"d\"'.\n"));
    CU_ASSERT(says(t, "unset blackhole", false, "Option 'Blackhole' is not set in scope ''.\n"));
    CU_ASSERT(
        says(t, "unset binding smtp-01", true, "All options of Binding \"smtp-01\" have been unset.\n"));
    CU_ASSERT(says(t, "unset binding smtp-01", false, "No option is set in scope 'Binding \"smtp-01\"'.\n"));
    conf_transaction_free(t);
    end_files(conf);
}

static void test_refusals(void)
{
    static const char *const wrong[] = {
        "set",
        "set max_retries",
        "set max_retries =",
        "set domain d",
        "set nonsense 3",
        "set max_retries many",
        "set max_retries 3 4",
        "set max_retries ( 3 )",
        "set routes ( a",
        "set routes ( a ) b",
        "set routes a b",
        "set domain d concurrency 4",
        "set esmtp_listener listen :25 peer nobody idle_time 4",
        "set 'domain' 'd' 'x = 1 } include \"/etc/passwd\" y' 4",
        "unset",
        "unset nonsense",
        "unset domain d max_retries 4",
    };
    begin_files();
    write_file("main.conf", manual);
    struct conf *conf = load_main();
    struct conf_transaction *t = conf_transaction_begin(conf, false, NULL);
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        if (command(t, wrong[i]) || !answer_size || answer[answer_size - 1] != '\n')
            CU_FAIL(wrong[i]);
    }
    struct conf *same = build(t);
    CU_ASSERT_PTR_EQUAL(same, conf); /* nothing was noted */
    conf_unref(same);
    conf_transaction_free(t);
    end_files(conf);
}

/* ---- values ---------------------------------------------------------------------------------- */

/* Whatever a value holds, it is that value, and nothing else. */
static void test_inert(void)
{
    static const char *const nasty[] = {"#",
                                        "\"",
                                        "'",
                                        "\\",
                                        "\"\n}",
                                        "\" }\nMax_Retries = 1\n#",
                                        "a\nb\r\nc\td",
                                        "/* x",
                                        "*/",
                                        "{ } [ ] ( ) = ,",
                                        "",
                                        " ",
                                        "include",
                                        "\\\"",
                                        "\\n",
                                        "\\\n",
                                        "\xff\xfe",
                                        "a\\",
                                        "$(id)",
                                        "; drop",
                                        "include \"/etc/passwd\""};
    for (size_t i = 0; i < sizeof nasty / sizeof *nasty; i++) {
        begin_files();
        write_file("main.conf", "Esmtp_Listener { Listen \":25\" { } }\nMax_Retries = 3\n");
        struct conf *conf = load_main();
        struct conf_transaction *t = conf_transaction_begin(conf, false, NULL);
        const char *message[] = {"esmtp_listener", "reconfig_message", nasty[i]};
        const char *domain[] = {"domain", nasty[i], "max_retries", "4"};
        const char *routes[] = {"routes", "(", "a", nasty[i], ")"};
        FILE *out = fopen("/dev/null", "w");
        CU_ASSERT(conf_transaction_set(t, message, 3, out));
        bool named = *nasty[i] && conf_transaction_set(t, domain, 4, out);
        CU_ASSERT_EQUAL(named, *nasty[i] != '\0');
        CU_ASSERT(conf_transaction_set(t, routes, 5, out));
        fclose(out);
        struct conf *next = build(t);
        CU_ASSERT_PTR_NOT_NULL_FATAL(next);
        CU_ASSERT_STRING_EQUAL(text_of(at(next, "esmtp_listener", "", NULL), "reconfig_message"), nasty[i]);
        CU_ASSERT_STRING_EQUAL(text_of(conf_root(next), "max_retries"), "3");
        CU_ASSERT_EQUAL(conf_scope_value_count(conf_root(next)), 2);
        CU_ASSERT(!named || at(next, "domain", nasty[i], NULL));
        const struct conf_value *list = conf_scope_value(conf_root(next), "routes");
        CU_ASSERT(list && list->count == 2 && strcmp(list->items[1], nasty[i]) == 0);
        conf_unref(next);
        conf_transaction_free(t);
        end_files(conf);
    }
}

static void test_dictionary(void)
{
    begin_files();
    write_file("main.conf", "Control_Listener { Listen \"/x\" { } }\n");
    struct conf *conf = change(load_main(), "set control_listener listen /x authloginparameters [ uri = "
                                            "'file:///a b' log_authentication = false ]");
    CU_ASSERT(
        text_is(conf, "main.conf",
                "Control_Listener { Listen \"/x\" {\n  AuthLoginParameters = [\n    uri = \"file:///a b\"\n"
                "    log_authentication = \"false\"\n  ]\n} }\n"));
    end_files(conf);
}

/* ---- which file ------------------------------------------------------------------------------ */

static void test_manual_rules(void)
{
    begin_files();
    write_file("main.conf", "readonly_include \"foo.conf\"\ninclude \"baz.conf\"\n");
    write_file("foo.conf",
               "Domain yahoo.com {\n  Gateway = \"server.yahoo.com\"\n  include \"bar.conf\"\n}\n");
    write_file("bar.conf", "");
    write_file("baz.conf", "Domain yahoo.com { Max_Retries = 3 }\n");
    struct conf *conf = load_main();
    CU_ASSERT(file_named(conf, "foo.conf")->read_only);
    CU_ASSERT_FALSE(file_named(conf, "bar.conf")->read_only);
    conf = change(conf, "set domain yahoo.com retry_interval 5");
    CU_ASSERT(text_is(conf, "bar.conf", "Retry_Interval = 5\n"));
    conf = change(conf, "set domain yahoo.com gateway server2.yahoo.com");
    CU_ASSERT(text_is(conf, "bar.conf", "Retry_Interval = 5\nGateway = \"server2.yahoo.com\"\n"));
    CU_ASSERT_STRING_EQUAL(text_of(at(conf, "domain", "yahoo.com", NULL), "gateway"), "server2.yahoo.com");
    conf = change(conf, "set domain yahoo.com max_retries 4"); /* where it was last set */
    CU_ASSERT(text_is(conf, "baz.conf", "Domain yahoo.com { Max_Retries = 4 }\n"));
    conf = change(conf, "set domain new.com max_retries 5");
    CU_ASSERT(text_is(
        conf, "main.conf",
        "readonly_include \"foo.conf\"\ninclude \"baz.conf\"\nDomain \"new.com\" {\n  Max_Retries = 5\n}\n"));
    end_files(conf);
}

/* What a read-only file sets last is overridden after it, not before. */
static void test_after(void)
{
    begin_files();
    write_file("main.conf", "Domain a { Max_Retries = 1 }\nDomain b {\n  readonly_include \"b.conf\"\n}\n"
                            "readonly_include \"ro.conf\"\n");
    write_file("ro.conf", "Domain a { Max_Retries = 2 }\nMax_Retries = 9\n");
    write_file("b.conf", "Max_Retries = 2\n");
    struct conf *conf = change(load_main(), "set domain a max_retries 3");
    CU_ASSERT(text_is(conf, "main.conf",
                      "Domain a { Max_Retries = 1 }\nDomain b {\n  readonly_include \"b.conf\"\n}\n"
                      "readonly_include \"ro.conf\"\nDomain \"a\" {\n  Max_Retries = 3\n}\n"));
    CU_ASSERT_STRING_EQUAL(text_of(at(conf, "domain", "a", NULL), "max_retries"), "3");
    conf = change(conf, "set domain b max_retries 4");
    CU_ASSERT_STRING_EQUAL(text_of(at(conf, "domain", "b", NULL), "max_retries"), "4");
    conf = change(conf, "set max_retries 5");
    CU_ASSERT_STRING_EQUAL(text_of(conf_root(conf), "max_retries"), "5");
    CU_ASSERT(text_is(
        conf, "main.conf",
        "Domain a { Max_Retries = 1 }\nDomain b {\n  readonly_include \"b.conf\"\n  Max_Retries = 4\n}\n"
        "readonly_include \"ro.conf\"\nDomain \"a\" {\n  Max_Retries = 3\n}\nMax_Retries = 5\n"));
    end_files(conf);
}

/* Files of one directory come one after the other. */
static void test_directory(void)
{
    begin_files();
    CU_ASSERT_EQUAL(mkdir(path_of("sub"), 0755), 0);
    write_file("main.conf", "readonly_include \"top.conf\"\n");
    write_file("top.conf", "Domain x { include \"sub/1.conf\" }\nDomain y { include \"sub\" }\n");
    write_file("sub/1.conf", "Max_Retries = 1\n"); /* read-only, since it is included twice */
    write_file("sub/2.conf", "Retry_Interval = 5\n");
    struct conf *conf = change(load_main(), "set domain y max_retries 2");
    CU_ASSERT(text_is(conf, "2.conf", "Retry_Interval = 5\nMax_Retries = 2\n"));
    CU_ASSERT_STRING_EQUAL(text_of(at(conf, "domain", "y", NULL), "max_retries"), "2");
    unlink(path_of("sub/1.conf"));
    unlink(path_of("sub/2.conf"));
    rmdir(path_of("sub"));
    end_files(conf);
}

/* Of a module whose options nobody knows, an option may have any value, but not any name. */
static void test_unknown_module(void)
{
    begin_files();
    write_file("main.conf", "jlog {\n  Odd ( a b )\n}\n");
    struct conf *conf = change(load_main(), "set jlog odd c");
    CU_ASSERT(text_is(conf, "main.conf", "jlog {\n  Odd = \"c\"\n}\n"));
    conf = change(conf, "set jlog Other ( d )");
    CU_ASSERT(text_is(conf, "main.conf", "jlog {\n  Odd = \"c\"\n  Other = (\n    \"d\"\n  )\n}\n"));
    struct conf_transaction *t = conf_transaction_begin(conf, false, NULL);
    CU_ASSERT_FALSE(command(t, "set jlog 'x = 1 } include \"/etc/passwd\" y' 4"));
    CU_ASSERT_FALSE(command(t, "set jlog 'x\n' 4"));
    conf_transaction_free(t);
    end_files(conf);
}

static void test_twice(void)
{
    begin_files();
    write_file("main.conf", "Domain a { include \"x.conf\" }\nDomain b { include \"x.conf\" }\n");
    write_file("x.conf", "Max_Retries = 1\n");
    struct conf *conf = load_main();
    CU_ASSERT(file_named(conf, "x.conf")->read_only);
    conf = change(conf, "set domain a max_retries 2");
    CU_ASSERT_STRING_EQUAL(text_of(at(conf, "domain", "a", NULL), "max_retries"), "2");
    CU_ASSERT_STRING_EQUAL(text_of(at(conf, "domain", "b", NULL), "max_retries"), "1");
    CU_ASSERT(text_is(conf, "x.conf", "Max_Retries = 1\n"));
    end_files(conf);
}

static void test_local_changes(void)
{
    begin_files();
    write_file("main.conf", "Local_Changes_File = \"local.conf\"\nreadonly_include \"ro.conf\"\n"
                            "Domain mine { }\nMax_Retries = 1\n");
    write_file("ro.conf", "Domain theirs { Max_Retries = 2 }\n");
    struct conf *conf = load_main();
    CU_ASSERT_STRING_EQUAL(file_named(conf, "local.conf")->text, "");
    CU_ASSERT_FALSE(file_named(conf, "local.conf")->changed);
    conf = change(conf, "set domain theirs max_retries 3");
    conf = change(conf, "set domain unknown max_retries 4");
    CU_ASSERT(
        text_is(conf, "local.conf",
                "Domain \"theirs\" {\n  Max_Retries = 3\n}\nDomain \"unknown\" {\n  Max_Retries = 4\n}\n"));
    CU_ASSERT(file_named(conf, "local.conf")->changed);
    CU_ASSERT_STRING_EQUAL(text_of(at(conf, "domain", "theirs", NULL), "max_retries"), "3");
    conf = change(conf, "set domain mine max_retries 5"); /* its stanza can be written */
    conf = change(conf, "set max_retries 6");
    CU_ASSERT(text_is(conf, "main.conf",
                      "Local_Changes_File = \"local.conf\"\nreadonly_include \"ro.conf\"\n"
                      "Domain mine {\n  Max_Retries = 5\n}\nMax_Retries = 6\n"));
    conf = change(conf, "unset domain theirs max_retries"); /* the local one; the other stays */
    CU_ASSERT_PTR_NOT_NULL(strstr(answer, "\"Max_Retries\" cannot be unset at "));
    CU_ASSERT_PTR_NOT_NULL(strstr(answer, "ro.conf:1, which cannot be written.\n"
                                          "\"Max_Retries\" has been unset. Effective value is now:\n"
                                          "        Max_Retries = 2\n"));
    CU_ASSERT(
        text_is(conf, "local.conf", "Domain \"theirs\" {\n}\nDomain \"unknown\" {\n  Max_Retries = 4\n}\n"));
    conf = change(conf, "unset domain theirs max_retries"); /* there is nothing that can be taken out */
    CU_ASSERT_PTR_NULL(conf);
    CU_ASSERT_PTR_NULL(strstr(answer, "has been unset"));
    end_files(conf);
}

static void test_local_changes_only(void)
{
    begin_files();
    write_file("main.conf",
               "Local_Changes_File = \"local.conf\"\nLocal_Changes_Only = true\nMax_Retries = 1\n");
    write_file("local.conf", "# mine\nRetry_Interval = 5\n");
    struct conf *conf = change(load_main(), "set max_retries 2");
    conf = change(conf, "set retry_interval 6");
    conf = change(conf, "set domain d max_retries 3");
    CU_ASSERT_FALSE(file_named(conf, "main.conf")->changed);
    CU_ASSERT(text_is(conf, "local.conf",
                      "# mine\nRetry_Interval = 6\nMax_Retries = 2\nDomain \"d\" {\n"
                      "  Max_Retries = 3\n}\n"));
    conf = change(conf, "unset max_retries");
    CU_ASSERT_STRING_EQUAL(text_of(conf_root(conf), "max_retries"), "1");
    end_files(conf);
}

static bool load_refused(const char *text, const char *why)
{
    struct conf_report *report;
    write_file("main.conf", text);
    struct conf *conf = conf_load(path_of("main.conf"), NULL, &report);
    const struct conf_diagnostic *first = conf_report_at(report, 0);
    bool good = !conf && first && first->place.line == 1 && strstr(first->message, why);
    if (!good)
        conf_report_print(report, CONF_NOTE, stderr);
    conf_report_free(report);
    conf_unref(conf);
    return good;
}

static void test_local_changes_mistakes(void)
{
    begin_files();
    write_file("other.conf", "Max_Retries = 1\n");
    CU_ASSERT(load_refused("Local_Changes_File = main.conf\n", "is the main configuration file"));
    CU_ASSERT(load_refused("Local_Changes_File = other.conf\ninclude other.conf\n", "is included"));
    CU_ASSERT_EQUAL(symlink("other.conf", path_of("link.conf")), 0);
    CU_ASSERT(load_refused("Local_Changes_File = link.conf\ninclude other.conf\n", "is included"));
    CU_ASSERT(load_refused("Local_Changes_File = .\n", "it is not a file"));
    CU_ASSERT(load_refused("Local_Changes_File = other.conf/x\n", "cannot read"));
    CU_ASSERT(load_refused("Local_Changes_Only = true\n", "needs local_changes_file"));
    end_files(NULL);
}

/* Without a file that can be written, changes are in the virtual one. */
static void test_virtual(void)
{
    begin_files();
    write_file("main.conf", "include \"main2.conf\"\ninclude \"main2.conf\"\n");
    write_file("main2.conf", "Max_Retries = 1\n");
    CU_ASSERT_EQUAL(chmod(place, 0755), 0);
    CU_ASSERT_EQUAL(chmod(path_of("main.conf"), 0444), 0);
    struct conf *conf = load_main();
    bool root = geteuid() == 0; /* who may write everything */
    if (root)
        CU_ASSERT_EQUAL_FATAL(seteuid(65534), 0);
    conf = change(conf, "set max_retries 2");
    conf = change(conf, "set domain d max_retries 3");
    if (root)
        CU_ASSERT_EQUAL_FATAL(seteuid(0), 0);
    CU_ASSERT(text_is(conf, CONF_VIRTUAL_FILE, "Max_Retries = 2\nDomain \"d\" {\n  Max_Retries = 3\n}\n"));
    CU_ASSERT_STRING_EQUAL(text_of(conf_root(conf), "max_retries"), "2");
    conf = change(conf, "unset max_retries");
    CU_ASSERT(text_is(conf, CONF_VIRTUAL_FILE, "Domain \"d\" {\n  Max_Retries = 3\n}\n"));
    end_files(conf);
}

/* ---- transactions ---------------------------------------------------------------------------- */

static void test_transaction(void)
{
    begin_files();
    write_file("main.conf", "Max_Retries = 1\nRetry_Interval = 5\n");
    struct conf *conf = load_main();
    struct conf_transaction *mine = conf_transaction_begin(conf, false, NULL);
    struct conf_transaction *other = conf_transaction_begin(conf, false, NULL);
    CU_ASSERT(command(mine, "set max_retries 2"));
    CU_ASSERT(command(mine, "set domain 'd x' routes ( '#' b )"));
    CU_ASSERT(command(mine, "set max_retries = 3"));
    CU_ASSERT(command(mine, "unset retry_interval"));
    CU_ASSERT(command(other, "set max_retries 7"));
    struct conf *next = build(mine), *again = build(mine), *others = build(other);
    CU_ASSERT_PTR_EQUAL(next, again);
    CU_ASSERT_PTR_EQUAL(conf_transaction_base(mine), conf);
    CU_ASSERT(text_is(next, "main.conf",
                      "Max_Retries = 3\nDomain \"d x\" {\n  Routes = (\n    \"#\"\n    \"b\"\n  )\n}\n"));
    CU_ASSERT(text_is(others, "main.conf", "Max_Retries = 7\nRetry_Interval = 5\n"));
    CU_ASSERT(text_is(conf, "main.conf", "Max_Retries = 1\nRetry_Interval = 5\n"));
    CU_ASSERT(holds("main.conf", "Max_Retries = 1\nRetry_Interval = 5\n"));

    char *replayed = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&replayed, &size);
    conf_transaction_replay(mine, out);
    fclose(out);
    CU_ASSERT_STRING_EQUAL(replayed,
                           "config set max_retries 2\nconfig set domain \"d x\" routes ( \"#\" b )\n"
                           "config set max_retries = 3\nconfig unset retry_interval\n");
    free(replayed);
    conf_unref(next);
    conf_unref(again);
    conf_unref(others);
    conf_transaction_free(mine);
    conf_transaction_free(other);
    end_files(conf);
}

/* A later command decides, whatever came before it. */
static void test_order(void)
{
    begin_files();
    write_file("main.conf", "Domain d { Max_Retries = 1 Retry_Interval = 5 }\n");
    struct conf *conf = load_main();
    struct conf_transaction *t = conf_transaction_begin(conf, false, NULL);
    CU_ASSERT(command(t, "set domain d gateway a"));
    CU_ASSERT(command(t, "unset domain d"));
    CU_ASSERT(command(t, "set domain d max_retries 2"));
    CU_ASSERT(command(t, "set domain e max_retries 3"));
    CU_ASSERT(command(t, "unset domain e max_retries"));
    struct conf *next = build(t);
    CU_ASSERT(text_is(next, "main.conf", "Domain d { Max_Retries = 2 }\n"));
    conf_unref(next);
    CU_ASSERT(command(t, "unset domain d"));
    next = build(t);
    CU_ASSERT(text_is(next, "main.conf", "Domain d { }\n"));
    conf_unref(next);
    conf_transaction_free(t);
    end_files(conf);
}

static void test_from_scratch(void)
{
    begin_files();
    write_file("main.conf", "Max_Retries = 1\ninclude \"x.conf\"\n");
    write_file("x.conf", "Retry_Interval = 5\n");
    struct conf *conf = load_main();
    struct conf_transaction *t = conf_transaction_begin(conf, true, NULL);
    struct conf *next = build(t);
    CU_ASSERT(text_is(next, "main.conf", ""));
    CU_ASSERT_EQUAL(conf_files_count(conf_get_files(next)), 1);
    conf_unref(next);
    CU_ASSERT(command(t, "set threadpool accept concurrency 5"));
    next = build(t);
    CU_ASSERT(text_is(next, "main.conf", "ThreadPool \"accept\" {\n  Concurrency = 5\n}\n"));
    CU_ASSERT(file_named(next, "main.conf")->changed);
    conf_unref(next);
    conf_transaction_free(t);
    end_files(conf);
}

/* What a session can have noted is bounded. */
static void test_bounded(void)
{
    enum { SIZE = 16 * 1024 * 1024 };
    char *value = malloc(SIZE + 1);
    const char *words[] = {"esmtp_listener", "reconfig_message", value};
    unsigned taken = 0;
    CU_ASSERT_PTR_NOT_NULL_FATAL(value);
    memset(value, 'x', SIZE);
    value[SIZE] = '\0';
    begin_files();
    write_file("main.conf", "");
    struct conf *conf = load_main();
    struct conf_transaction *t = conf_transaction_begin(conf, false, NULL);
    FILE *out = fopen("/dev/null", "w");
    while (taken < 8 && conf_transaction_set(t, words, 3, out))
        taken++;
    fclose(out);
    CU_ASSERT_EQUAL(taken, 4);
    CU_ASSERT_FALSE(command(t, "unset esmtp_listener"));
    CU_ASSERT_PTR_NOT_NULL(strstr(answer, "too many changes"));
    conf_transaction_free(t);
    free(value);
    end_files(conf);
}

static void refuse_three(const struct conf *conf, struct conf_report *report, void *argument)
{
    const struct conf_value *value = conf_scope_value(conf_root(conf), "max_retries");
    (void)argument;
    if (value && value->number == 3)
        conf_report_add(report, CONF_ERROR, value->place, "three is too much");
}

/* What only the whole configuration tells is found when it is built; the transaction goes on. */
static void test_refused_build(void)
{
    const struct conf_load_options options = {.check = refuse_three};
    struct conf_report *report;
    begin_files();
    write_file("main.conf", "# one\nMax_Retries = 1\n");
    struct conf *conf = load_main();
    struct conf_transaction *t = conf_transaction_begin(conf, false, &options);
    CU_ASSERT(command(t, "set max_retries 3"));
    for (unsigned times = 0; times < 2; times++) {
        CU_ASSERT_PTR_NULL(conf_transaction_build(t, &report));
        CU_ASSERT_EQUAL(conf_report_errors(report), 1);
        CU_ASSERT_STRING_EQUAL(conf_report_at(report, 0)->message, "three is too much");
        CU_ASSERT_STRING_EQUAL(conf_report_at(report, 0)->source_line, "Max_Retries = 3");
        conf_report_free(report);
    }
    CU_ASSERT(command(t, "set max_retries 4"));
    struct conf *next = build(t);
    CU_ASSERT(text_is(next, "main.conf", "# one\nMax_Retries = 4\n"));
    conf_unref(next);
    conf_transaction_free(t);
    end_files(conf);
}

int main(void)
{
    CU_TestInfo tests[] = {{"values in place", test_in_place},
                           {"lists in place", test_lists_in_place},
                           {"options and stanzas that are added", test_additions},
                           {"options that are taken out", test_removals},
                           {"the manual's answers", test_answers},
                           {"what is refused at once", test_refusals},
                           {"values that look like syntax", test_inert},
                           {"dictionaries", test_dictionary},
                           {"the manual's rules for the file", test_manual_rules},
                           {"a change comes after what it overrides", test_after},
                           {"two files of a directory", test_directory},
                           {"a module that nobody knows", test_unknown_module},
                           {"a file that is included twice", test_twice},
                           {"Local_Changes_File", test_local_changes},
                           {"Local_Changes_Only", test_local_changes_only},
                           {"a wrong Local_Changes_File", test_local_changes_mistakes},
                           {"the virtual file", test_virtual},
                           {"two transactions", test_transaction},
                           {"one command after the other", test_order},
                           {"from scratch", test_from_scratch},
                           {"a transaction without end", test_bounded},
                           {"a result that is refused", test_refused_build},
                           CU_TEST_INFO_NULL};
    int status = unit_run("transaction", tests);
    free(answer);
    return status;
}
