/* The ec_logger module: each record byte for byte, the switches, the heartbeat, modes and targets. */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include "base/clock.h"
#include "log/paniclog.h"
#include "log/writer.h"
#include "module_harness.h"
#include "unit.h"

static char directory[UNIT_PATH_SIZE];

static struct imp_text text(const char *of)
{
    return (struct imp_text){of, strlen(of)};
}

/* A configuration with one ec_logger that writes into the test's directory. */
static bool load(struct modules *modules, const char *more, const char *global)
{
    char configuration[2048];
    snprintf(configuration, sizeof configuration,
             "%s\nec_logger \"main\" { mainlog = \"%s/mainlog\" rejectlog = \"%s/rejectlog\" paniclog = "
             "\"%s/paniclog\" "
             "acctlog = \"%s/acctlog\" heartbeat = 0 %s }\n",
             global, directory, directory, directory, directory, more);
    return modules_load(modules, configuration);
}

static void read_log(const char *name, char *content, size_t size)
{
    char path[128];
    log_files_flush();
    snprintf(path, sizeof path, "%s/%s", directory, name);
    FILE *in = fopen(path, "r");
    CU_ASSERT_PTR_NOT_NULL_FATAL(in);
    content[fread(content, 1, size - 1, in)] = '\0';
    fclose(in);
}

static void expect(const char *name, const char *expected)
{
    char content[8192];
    read_log(name, content, sizeof content);
    if (strcmp(content, expected) != 0)
        fprintf(stderr, "%s holds:\n%sexpected:\n%s", name, content, expected);
    CU_ASSERT_STRING_EQUAL(content, expected);
}

static struct imp_log_reception reception(void)
{
    return (struct imp_log_reception){
        .time_us = UINT64_C(1064868656123456),
        .message_id = UINT64_C(0x31B987F361AC0000),
        .batch_id = UINT64_C(0xF4101B540E980000),
        .connection_id = UINT64_C(0xA3456B5411B40000),
        .recipient_local = text("bob"),
        .recipient_domain = text("example.fict"),
        .sender_local = text("info"),
        .sender_domain = text("postalengine.com"),
        .peer = text("10.0.1.1"),
        .bytes = 201,
        .protocol = text("esmtp"),
        .binding_group = text("default"),
        .binding = text("default"),
    };
}

static struct imp_log_delivery delivery(void)
{
    return (struct imp_log_delivery){
        .time_us = UINT64_C(1064871280999999),
        .message_id = UINT64_C(0x945A87F363F90020),
        .batch_id = UINT64_C(0xF4101B540E980000),
        .connection_id = 0,
        .recipient_local = text("bob"),
        .recipient_domain = text("postalengine.com"),
        .bytes = 266,
        .binding_group = text("group-a"),
        .binding = text("binding-a"),
        .stage = 15,
        .retries = 3,
        .seconds = 18.5299,
        .peer = text("10.0.0.1"),
        .response = text("421 no adequate servers"),
    };
}

#define R_RECORD                                                                                             \
    "@00/00-25004-31B987F3@00/00-03736-F4101B54@00/00-04532-A3456B54@R"                                      \
    "@bob@example.fict@info@postalengine.com@10.0.1.1@201@esmtp@default@default\n"
#define D_RECORD                                                                                             \
    "@20/00-25593-945A87F3@00/00-03736-F4101B54@00/00-00000-00000000@D"                                      \
    "@postalengine.com@266@group-a@binding-a@3@18.530@10.0.0.1\n"
#define FAILURE_RECORD(letter)                                                                               \
    "@20/00-25593-945A87F3@00/00-03736-F4101B54@00/00-00000-00000000@" letter                                \
    "@postalengine.com@266@group-a@binding-a@15@3@18.530@10.0.0.1@421 no adequate servers\n"

static void log_one_of_each(struct modules *modules)
{
    struct imp_log_reception received = reception();
    struct imp_log_delivery attempt = delivery();
    module_set_log_reception(modules->set, &received);
    module_set_log_delivery(modules->set, &attempt);
    module_set_log_transient(modules->set, &attempt);
    module_set_log_permanent(modules->set, &attempt);
}

static void test_mainlog(void)
{
    struct modules modules;
    unit_directory(directory);
    CU_ASSERT_TRUE_FATAL(load(&modules, "", ""));
    log_one_of_each(&modules);
    expect("mainlog", "1064868656" R_RECORD "1064871280" D_RECORD
                      "1064871280" FAILURE_RECORD("T") "1064871280" FAILURE_RECORD("P"));
    modules_unload(&modules);
    unit_directory_remove(directory);
}

static void test_high_resolution(void)
{
    struct modules modules;
    char content[256];
    unit_directory(directory);
    CU_ASSERT_TRUE_FATAL(load(&modules, "", "log_hires_timestamp = true"));
    struct imp_log_reception received = reception();
    module_set_log_reception(modules.set, &received);
    expect("mainlog", "1064868656123456" R_RECORD);
    paniclog_set_stderr(false);
    paniclog(PANIC_ERROR, "a line: with colons");
    paniclog_set_stderr(true);
    read_log("paniclog", content, sizeof content);
    CU_ASSERT_STRING_EQUAL(content + strspn(content, "0123456789"), ": a line: with colons\n");
    CU_ASSERT_EQUAL(strspn(content, "0123456789"), 16);
    modules_unload(&modules);
    unit_directory_remove(directory);
}

static void test_escaping(void)
{
    struct modules modules;
    unit_directory(directory);
    CU_ASSERT_TRUE_FATAL(load(&modules, "", ""));
    struct imp_log_reception received = reception();
    received.recipient_local = text("\"a@b\\\"");
    received.sender_local = (struct imp_text){"x\0y", 3};
    received.sender_domain = (struct imp_text){NULL, 0};
    received.protocol = text("\n\r\t\x1b\x7f");
    received.bytes = UINT64_MAX;
    module_set_log_reception(modules.set, &received);
    expect("mainlog", "1064868656@00/00-25004-31B987F3@00/00-03736-F4101B54@00/00-04532-A3456B54@R"
                      "@\"a\\@b\\\\\"@example.fict@x\\x00y@@10.0.1.1@18446744073709551615@"
                      "\\n\\r\\t\\x1b\\x7f@default@default\n");
    modules_unload(&modules);
    unit_directory_remove(directory);
}

static void test_long_records(void)
{
    struct modules modules;
    struct imp_log_delivery attempt = delivery();
    char response[3001], content[8192];
    memset(response, '@', sizeof response - 1);
    response[sizeof response - 1] = '\0';
    unit_directory(directory);
    CU_ASSERT_TRUE_FATAL(load(&modules, "", ""));
    attempt.response = text(response);
    module_set_log_transient(modules.set, &attempt);
    read_log("mainlog", content, sizeof content);
    CU_ASSERT_EQUAL(strlen(content),
                    10 + strlen(FAILURE_RECORD("T")) - strlen("421 no adequate servers") + 6000);
    CU_ASSERT_EQUAL(content[strlen(content) - 1], '\n');
    modules_unload(&modules);
    unit_directory_remove(directory);
}

static void test_rejectlog(void)
{
    struct modules modules;
    struct imp_log_rejection event = {
        .time_us = UINT64_C(1236672125000000),
        .connection_id = UINT64_C(0xD7E16B941BED0018),
        .peer = text("10.79.25.142:42601"),
        .local = text("10.79.25.142:25"),
        .pathway = text("default"),
        .pathway_group = text("default"),
        .phase = text("awaiting mailfrom"),
        .code = 550,
        .module = text("scriptlet"),
        .connection_context = text("pathway=default,ehlo_string=\"EHLO rh52-node1\",ehlo_domain=rh52-node1"),
        .message_context = text("mailfrom_domain=,mailfrom_string=\"MAIL FROM:<>\",mailfrom_localpart="),
        .text = text("relaying denied\nforged: @"),
    };
    unit_directory(directory);
    CU_ASSERT_TRUE_FATAL(load(&modules, "", ""));
    CU_ASSERT_TRUE(module_set_wants_rejections(modules.set));
    module_set_log_rejection(modules.set, &event);
    expect("rejectlog", "1236672125: R=\"10.79.25.142:42601\" L=\"10.79.25.142:25\" "
                        "C=\"18/00-07149-D7E16B94\" PATH=\"default\" "
                        "PATH_GRP=\"default\" P=\"awaiting mailfrom\" E=550 M=scriptlet "
                        "CTXCONN=[pathway=default,ehlo_string=\"EHLO rh52-node1\",ehlo_domain=rh52-node1] "
                        "CTXMESS=[mailfrom_domain=,mailfrom_string=\"MAIL FROM:<>\",mailfrom_localpart=] "
                        "relaying denied\\nforged: @\n");
    modules_unload(&modules);
    unit_directory_remove(directory);
}

/* The examples of Momentum's manual, "Log Formats", and then what hostile clients would like to write. */
static void test_acctlog(void)
{
    struct modules modules;
    struct imp_log_authentication in = {
        .time_us = UINT64_C(1160503808999999),
        .endpoint = text("/tmp/2025"),
        .user = text("ec-user"),
        .success = true,
    };
    struct imp_log_authorization may = {
        .time_us = UINT64_C(1160503811000000),
        .endpoint = text("/tmp/2025"),
        .user = text("ec-user"),
        .result = IMP_AUTHORIZED,
        .command = text("summary"),
        .role = text("users"),
    };
    unit_directory(directory);
    CU_ASSERT_TRUE_FATAL(load(&modules, "", ""));
    module_set_log_authentication(modules.set, &in);
    module_set_log_authorization(modules.set, &may);
    may.result = IMP_REFUSED;
    may.command = text("shutdown");
    module_set_log_authorization(modules.set, &may);
    may.endpoint = in.endpoint = text("*:2025");
    may.peer = in.peer = text("10.80.116.126:37164");
    may.result = IMP_AUTHORIZATION_FAILED;
    module_set_log_authorization(modules.set, &may);
    in.success = false;
    module_set_log_authentication(modules.set, &in);
    in.timeout = in.success = true; /* who did not finish did not succeed */
    in.user = text("");
    module_set_log_authentication(modules.set, &in);

    in.user = (struct imp_text){"a@1\\n\n1160503808@N@\x7f\0z", 22};
    in.timeout = in.success = false;
    module_set_log_authentication(modules.set, &in);
    may.result = IMP_AUTHORIZED;
    may.endpoint = text("[::1]:2025");
    may.peer = text("[::1]:40000");
    may.user = text("back\\slash");
    may.command = text("config set x \"a@b\"\r\n\t\x1b[2J");
    may.role = text("r@\\");
    module_set_log_authorization(modules.set, &may);
    expect("acctlog", "1160503808@N@/tmp/2025@@ec-user@1\n"
                      "1160503811@Z@/tmp/2025@@ec-user@1@summary@users\n"
                      "1160503811@Z@/tmp/2025@@ec-user@0@shutdown\n"
                      "1160503811@Z@*:2025@10.80.116.126:37164@ec-user@-1@shutdown\n"
                      "1160503808@N@*:2025@10.80.116.126:37164@ec-user@0\n"
                      "1160503808@T@*:2025@10.80.116.126:37164@@0\n"
                      "1160503808@N@*:2025@10.80.116.126:37164@a\\@1\\\\n\\n1160503808\\@N\\@\\x7f\\x00z@0\n"
                      "1160503811@Z@[::1]:2025@[::1]:40000@back\\\\slash@1@"
                      "config set x \"a\\@b\"\\r\\n\\t\\x1b[2J@r\\@\\\\\n");
    modules_unload(&modules);
    unit_directory_remove(directory);
}

static void test_no_acctlog(void)
{
    struct modules modules;
    struct imp_log_authentication in = {.success = true};
    struct imp_log_authorization may = {.result = IMP_REFUSED};
    unit_directory(directory);
    CU_ASSERT_TRUE_FATAL(load(&modules, "acctlog = \"\"", ""));
    module_set_log_authentication(modules.set, &in);
    module_set_log_authorization(modules.set, &may);
    modules_unload(&modules);
    unit_directory_remove(directory);
}

static void test_switches(void)
{
    struct modules modules;
    unit_directory(directory);
    CU_ASSERT_TRUE_FATAL(load(&modules,
                              "log_receptions = false log_transient_failures = no log_rejections = false "
                              "log_errors = false",
                              ""));
    log_one_of_each(&modules);
    expect("mainlog", "1064871280" D_RECORD "1064871280" FAILURE_RECORD("P"));
    CU_ASSERT_FALSE(module_set_wants_rejections(modules.set));
    modules_unload(&modules);
    CU_ASSERT_TRUE_FATAL(
        load(&modules, "log_deliveries = false log_permanent_failures = false mainlog = \"\"", ""));
    log_one_of_each(&modules); /* without a mainlog nothing is written, and nothing crashes */
    expect("mainlog", "1064871280" D_RECORD "1064871280" FAILURE_RECORD("P"));
    modules_unload(&modules);
    unit_directory_remove(directory);
}

static void test_heartbeat(void)
{
    struct modules modules;
    char mainlog[256], rejectlog[256];
    unit_directory(directory);
    CU_ASSERT_TRUE_FATAL(load(&modules, "heartbeat = 1", ""));
    module_set_tick(modules.set);
    for (uint64_t begin = clock_mono_ms(); clock_mono_ms() - begin < 1100;)
        usleep(1000); /* what is awaited is time itself */
    module_set_tick(modules.set);
    module_set_tick(modules.set);
    read_log("mainlog", mainlog, sizeof mainlog);
    read_log("rejectlog", rejectlog, sizeof rejectlog);
    CU_ASSERT_STRING_EQUAL(mainlog + strspn(mainlog, "0123456789"), "@@@@M\n");
    CU_ASSERT_STRING_EQUAL(rejectlog + strspn(rejectlog, "0123456789"), ": Marker 1\n");
    CU_ASSERT_EQUAL(strspn(mainlog, "0123456789"), 10);
    modules_unload(&modules);
    unit_directory_remove(directory);
}

static void test_files(void)
{
    struct modules modules;
    struct stat status;
    char path[128], more[256];
    mode_t mask = umask(0);
    unit_directory(directory);
    snprintf(more, sizeof more,
             "mainlog_mode = 0600 rejectlog = \"cluster://%s/clustered=>master\" acctlog_log_mode = 0640",
             directory);
    paniclog_set_level(PANIC_CRITICAL);
    CU_ASSERT_TRUE_FATAL(load(&modules, more, ""));
    paniclog_set_level(PANIC_NOTICE);
    static const struct {
        const char *name;
        mode_t mode;
    } files[] = {{"mainlog", 0600}, {"clustered", 0644}, {"paniclog", 0644}, {"acctlog", 0640}};
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        snprintf(path, sizeof path, "%s/%s", directory, files[i].name);
        CU_ASSERT_EQUAL(stat(path, &status), 0);
        CU_ASSERT_EQUAL(status.st_mode & 0777, files[i].mode);
    }
    modules_unload(&modules);
    umask(mask);
    CU_ASSERT_FALSE(load(&modules, "mainlog = \"/nonexistent/mainlog\"", ""));
    CU_ASSERT_STRING_EQUAL(modules.error, "test.conf:2: module ec_logger:main: mainlog: cannot open "
                                          "/nonexistent/mainlog: No such file or directory");
    modules_unload(&modules);
    unit_directory_remove(directory);
}

/* The current generation's paniclog takes the lines, and no other's. */
static void test_paniclog_follows_the_generation(void)
{
    struct modules old, new;
    char lines[1024];
    unit_directory(directory);
    paniclog_set_stderr(false);
    CU_ASSERT_TRUE_FATAL(load(&old, "", ""));
    CU_ASSERT_TRUE_FATAL(load(&new, "", ""));
    paniclog(PANIC_ERROR, "one");
    module_set_tick(new.set);
    paniclog(PANIC_ERROR, "two");
    modules_unload(&old);
    paniclog(PANIC_ERROR, "three");
    modules_unload(&new);
    read_log("paniclog", lines, sizeof lines);
    static const char *const expected[] = {": one\n", ": two\n", ": three\n"};
    const char *at = lines;
    for (size_t i = 0; i < 3; i++) {
        at += strspn(at, "0123456789");
        CU_ASSERT_EQUAL(strncmp(at, expected[i], strlen(expected[i])), 0);
        at += strlen(expected[i]);
    }
    CU_ASSERT_EQUAL(*at, '\0');
    paniclog_set_stderr(true);
    unit_directory_remove(directory);
}

int main(void)
{
    CU_TestInfo tests[] = {
        {"mainlog", test_mainlog},
        {"high resolution", test_high_resolution},
        {"escaping", test_escaping},
        {"long records", test_long_records},
        {"rejectlog", test_rejectlog},
        {"acctlog", test_acctlog},
        {"no acctlog", test_no_acctlog},
        {"switches", test_switches},
        {"heartbeat", test_heartbeat},
        {"files", test_files},
        {"paniclog", test_paniclog_follows_the_generation},
        CU_TEST_INFO_NULL,
    };
    return unit_run("ec_logger", tests);
}
