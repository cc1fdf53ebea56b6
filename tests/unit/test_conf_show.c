/* test_conf_show: config show, showrecurse and locate answer as the manual shows it, and loadably. */
#include <glob.h>
#include "conf_harness.h"
#include "conf_trees.h"
#include "confparse/query.h"

static char *answer; /* of the last question */
static size_t answer_size;

/* Splits `command` at spaces; returns what the question does. */
static bool ask(const struct conf *conf, const char *command)
{
    char text[256], *rest = text;
    const char *words[16];
    size_t count = 0;
    snprintf(text, sizeof text, "%s", command);
    while (count < 16 && (words[count] = strtok_r(rest, " ", &rest)))
        count++;
    free(answer);
    FILE *out = open_memstream(&answer, &answer_size);
    bool locate = strcmp(words[0], "locate") == 0, recurse = strcmp(words[0], "showrecurse") == 0;
    bool good = locate ? conf_query_locate(conf, words + 1, count - 1, out)
                       : conf_query_show(conf, words + 1, count - 1, recurse, out);
    fclose(out);
    return good;
}

static bool answers(const struct conf *conf, const char *command, const char *expected)
{
    bool good = ask(conf, command) && strcmp(answer, expected) == 0;
    if (!good)
        fprintf(stderr, "%s:\n%s", command, answer);
    return good;
}

/* ---- the manual's examples ------------------------------------------------------------------- */

static const char manual[] = "Esmtp_Listener {\n"
                             "  Listen \":25\" {\n"
                             "  }\n"
                             "  Listen \":587\" {\n"
                             "    Enable = false\n"
                             "    SMTP_Extensions = (\n"
                             "      \"ENHANCEDSTATUSCODES\"\n"
                             "      \"8BITMIME\"\n"
                             "      \"SIZE 1000\"\n"
                             "    )\n"
                             "    Idle_Time = 20\n"
                             "    Banner_Hostname = \"mx.example\"\n"
                             "  }\n"
                             "  Idle_Time = 300\n"
                             "  SMTP_Extensions = (\n"
                             "    \"ENHANCEDSTATUSCODES\"\n"
                             "  )\n"
                             "}\n";

static void test_manual(void)
{
    struct conf *conf = clean(manual);
    CU_ASSERT(answers(conf, "showrecurse ESMTP_Listener", manual));
    CU_ASSERT(answers(conf, "showrecurse", manual));
    CU_ASSERT(answers(conf, "show ESMTP_Listener",
                      "Listen \":25\" { ... }\n"
                      "Listen \":587\" { ... }\n"
                      "Idle_Time = 300\n"
                      "SMTP_Extensions = (\n"
                      "  \"ENHANCEDSTATUSCODES\"\n"
                      ")\n"));
    CU_ASSERT(answers(conf, "show esmtp_listener listen :587 enable", "Enable = false\n"));
    CU_ASSERT(answers(conf, "show", "Esmtp_Listener { ... }\n"));
    CU_ASSERT(answers(conf, "showrecurse esmtp_listener listen :25", "Listen \":25\" {\n}\n"));
    conf_drop(conf);
}

static void test_locate(void)
{
    struct conf *conf =
        clean("Esmtp_Listener {\n Listen \":25\" { }\n Listen \":587\" { }\n}\n"
              "Control_Listener {\n Listen \"127.0.0.1:2025\" { }\n Listen \"/tmp/2025\" { }\n}\n"
              "Domain \"/(?:^|[.])example[.](com|co[.]uk)$/\" { }\n");
    CU_ASSERT(answers(conf, "locate listen",
                      "Listen \":25\"\n  is at Esmtp_Listener::Listen:\\:25:\n"
                      "Listen \":587\"\n  is at Esmtp_Listener::Listen:\\:587:\n"
                      "Listen \"127.0.0.1:2025\"\n  is at Control_Listener::Listen:127.0.0.1\\:2025:\n"
                      "Listen \"/tmp/2025\"\n  is at Control_Listener::Listen:/tmp/2025:\n"));
    CU_ASSERT(answers(conf, "locate listen 127.0.0.1",
                      "Listen \"127.0.0.1:2025\"\n  is at Control_Listener::Listen:127.0.0.1\\:2025:\n"));
    CU_ASSERT(answers(conf, "locate Control_Listener", "Control_Listener\n  is at Control_Listener::\n"));
    CU_ASSERT(ask(conf, "locate Domain ex.+"));
    CU_ASSERT_PTR_NOT_NULL(strstr(answer, "is at Domain:/(?\\:^|[.])example"));
    CU_ASSERT_FALSE(ask(conf, "locate listen 9999"));
    CU_ASSERT_FALSE(ask(conf, "locate nonsense"));
    CU_ASSERT_FALSE(ask(conf, "locate listen ("));
    CU_ASSERT_PTR_NOT_NULL(strstr(answer, "bad regular expression"));
    CU_ASSERT_FALSE(ask(conf, "locate"));
    conf_drop(conf);
}

/* An expression that backtracks without end is given up. */
static void test_locate_bounded(void)
{
    struct conf *conf = clean("Domain \"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.example\" { }\n");
    CU_ASSERT_FALSE(ask(conf, "locate domain (a+)+(a+)+(a+)+$"));
    conf_drop(conf);
}

static void test_refusals(void)
{
    struct conf *conf = clean(manual);
    CU_ASSERT_FALSE(ask(conf, "show esmtp_listener listen :26"));
    CU_ASSERT_STRING_EQUAL(answer, "There is no scope 'Esmtp_Listener Listen \":26\"'.\n");
    CU_ASSERT_FALSE(ask(conf, "show esmtp_listener listen :25 enable"));
    CU_ASSERT_STRING_EQUAL(answer, "Option 'Enable' is not set in scope 'Esmtp_Listener Listen \":25\"'.\n");
    CU_ASSERT_FALSE(ask(conf, "show nonsense"));
    CU_ASSERT_FALSE(ask(conf, "show esmtp_listener idle_time 5"));
    CU_ASSERT_FALSE(ask(conf, "showrecurse esmtp_listener idle_time"));
    conf_drop(conf);
}

/* ---- what is shown can be loaded ------------------------------------------------------------- */

static bool shown_is_same(const struct conf *conf, const struct conf_load_options *options)
{
    struct conf_report *report;
    ask(conf, "showrecurse");
    struct conf *shown = conf_load_text("shown", answer, answer_size, options, &report);
    bool same = shown && same_conf(conf, shown);
    if (!same) {
        conf_report_print(report, CONF_NOTE, stderr);
        fputs(answer, stderr);
    }
    conf_report_free(report);
    conf_unref(shown);
    return same;
}

static void test_quoting(void)
{
    static const char text[] =
        "Domain \"a \\\" } \\n b\" {\n"
        "  Routes = ( \"#\" 'a\"b' \"a\\\\b\" \"a\\d\\\\\" \"\\\\n\" \"\\\\\\n\" \"x\\r\\n\ty\" \"\" \"( "
        "\\\"a\\\" )\" )\n"
        "}\n"
        "Esmtp_Listener { Listen \":25\" {\n"
        "  Context = [ \"two words\" = \"}\" 'in\"clude' = ( a ( b ) ) include = [ \"a=b\" = c ]\n"
        "    like = \"[ \\\"a=b\\\" = \\\"c\\\" ]\" ]\n"
        "} }\n";
    struct conf *conf = conf_of(text); /* which warns that Context has no effect */
    CU_ASSERT_PTR_NOT_NULL_FATAL(conf);
    CU_ASSERT(shown_is_same(conf, NULL));
    conf_drop(conf);
}

/* Options stand in order of the files, wherever these are included. */
static void test_order(void)
{
    char directory[UNIT_PATH_SIZE], path[UNIT_PATH_SIZE + 16];
    unit_directory(directory);
    static const char *const files[][2] = {
        {"main.conf", "\n\nRetry_Interval = 5\ninclude \"z.conf\"\ninclude a.conf\n"},
        {"z.conf", "\nMax_Retries = 3\n"},
        {"a.conf", "Gateway = \"g\"\n"}};
    for (size_t i = 0; i < 3; i++) {
        snprintf(path, sizeof path, "%s/%s", directory, files[2 - i][0]);
        FILE *file = fopen(path, "w");
        fputs(files[2 - i][1], file);
        fclose(file);
    }
    struct conf *conf = conf_load(path, NULL, &found);
    CU_ASSERT_PTR_NOT_NULL_FATAL(conf);
    CU_ASSERT(answers(conf, "show", "Retry_Interval = 5\nMax_Retries = 3\nGateway = \"g\"\n"));
    conf_drop(conf);
    unit_directory_remove(directory);
}

/* Every byte that a string can hold. */
static void test_bytes(void)
{
    char text[1100] = "Esmtp_Listener { Reconfig_Message = \"";
    size_t size = strlen(text);
    for (unsigned first = 1; first < 256; first++) {
        if (first == '"' || first == '\\')
            text[size++] = '\\';
        text[size++] = (char)first;
        text[size++] = '\\';
        text[size++] = '\\';
    }
    snprintf(text + size, sizeof text - size, "\" }\n");
    struct conf *conf = conf_of_bytes(text, strlen(text));
    CU_ASSERT_PTR_NOT_NULL_FATAL(conf);
    CU_ASSERT_EQUAL(strlen(text_of(at(conf, "esmtp_listener", "", NULL), "reconfig_message")), 2 * 255);
    CU_ASSERT(shown_is_same(conf, NULL));
    conf_drop(conf);
}

/* Every test configuration that loads. */
static void test_all(void)
{
    const struct conf_load_options options = {.lenient = true};
    const char *source = getenv("srcdir");
    char pattern[512];
    glob_t files;
    unsigned loaded = 0;
    snprintf(pattern, sizeof pattern, "%s/tests/conf/*.conf", source ? source : ".");
    CU_ASSERT_EQUAL_FATAL(glob(pattern, 0, NULL, &files), 0);
    for (size_t i = 0; i < files.gl_pathc; i++) {
        struct conf *conf = conf_load(files.gl_pathv[i], &options, &found);
        loaded += conf != NULL;
        if (conf && !shown_is_same(conf, &options))
            CU_FAIL(files.gl_pathv[i]);
        conf_drop(conf);
    }
    CU_ASSERT(loaded >= 10);
    globfree(&files);
}

int main(void)
{
    CU_TestInfo tests[] = {{"the manual's examples", test_manual},
                           {"config locate", test_locate},
                           {"an endless expression", test_locate_bounded},
                           {"what there is not", test_refusals},
                           {"texts that need quoting", test_quoting},
                           {"options in order", test_order},
                           {"all bytes", test_bytes},
                           {"every test configuration, shown and loaded", test_all},
                           CU_TEST_INFO_NULL};
    int status = unit_run("show", tests);
    free(answer);
    return status;
}
