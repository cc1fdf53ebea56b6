/*
 * Who may use the console and which commands: Control_Listener, Peer and Authorization stanzas, and what is
 * said about them at load.
 */
#include "control/access.h"
#include <string.h>
#include "control/control.h"
#include "control/roles.h"
#include "log/paniclog.h"
#include "unit.h"

static void check_console(const struct conf *conf, struct conf_report *report, void *argument)
{
    (void)argument;
    control_check(conf, report);
}

static struct conf *load(const char *text, struct conf_report **report)
{
    struct conf_load_options options = {.check = check_console};
    return conf_load_text("test.conf", text, strlen(text), &options, report);
}

static struct conf *load_correct(const char *text)
{
    struct conf_report *report;
    struct conf *conf = load(text, &report);
    if (!conf)
        conf_report_print(report, CONF_NOTE, stderr);
    conf_report_free(report);
    CU_ASSERT_PTR_NOT_NULL_FATAL(conf);
    return conf;
}

static struct access resolve(const struct conf *conf, const char *endpoint, const char *peer)
{
    struct access access;
    struct net_addr address = {.family = AF_UNIX};
    const struct conf_scope *listen = access_listen(conf, endpoint);
    CU_ASSERT_PTR_NOT_NULL_FATAL(listen);
    if (peer)
        CU_ASSERT_TRUE(net_addr_parse(&address, peer));
    access_resolve(&access, conf, conf_scope_parent(listen), listen, &address);
    return access;
}

static void test_authentication(void)
{
    struct conf *conf = load_correct("Control_Listener {\n"
                                     "  AuthDigestMD5Parameters = [ uri = \"digest:///d\" ]\n"
                                     "  Timeout = 7\n"
                                     "  Listen \"/s\" { Enable_Authentication = \"false\" }\n"
                                     "  Listen \"/t\" { }\n"
                                     "  Listen \":1\" { Peer \"10.0.0.0/8\" { Always_Allow = true }\n"
                                     "                Peer \"10.1.0.0/16\" { Always_Deny = true } }\n"
                                     "}\n"
                                     "Control_Listener \"two\" {\n"
                                     "  Enable_Authentication = false\n"
                                     "  Listen \":2\" { AuthLoginParameters = [ uri = \"file:///p\"\n"
                                     "                  log_authentication = \"true\" ] }\n"
                                     "  Listen \":3\" { }\n"
                                     "  Listen \"/u\" { Enable_Authentication = true }\n"
                                     "}\n");
    CU_ASSERT_FALSE(resolve(conf, "/s", NULL).authenticate);
    CU_ASSERT_TRUE(resolve(conf, "/t", NULL).authenticate);
    CU_ASSERT_EQUAL(resolve(conf, "/t", NULL).timeout, 7);
    CU_ASSERT_TRUE(resolve(conf, ":1", "127.0.0.1").authenticate);
    CU_ASSERT_TRUE(resolve(conf, "*:1", "::1").authenticate); /* the same address */
    CU_ASSERT_FALSE(resolve(conf, ":1", "10.2.0.1").authenticate);
    CU_ASSERT_FALSE(resolve(conf, ":1", "10.2.0.1").denied);
    CU_ASSERT_TRUE(resolve(conf, ":1", "10.1.0.1").denied);
    struct access two = resolve(conf, ":2", "127.0.0.1");
    CU_ASSERT_TRUE(two.authenticate); /* the parameters are more specific than the switch */
    CU_ASSERT_STRING_EQUAL(two.login.path, "/p");
    CU_ASSERT_TRUE(two.login.log);
    CU_ASSERT_PTR_NULL(two.digest.path);
    CU_ASSERT_FALSE(resolve(conf, ":3", "127.0.0.1").authenticate);
    CU_ASSERT_EQUAL(resolve(conf, ":3", "127.0.0.1").timeout, CONTROL_DEFAULT_TIMEOUT);
    CU_ASSERT_FALSE(resolve(conf, "/u", NULL).authenticate); /* the system's word will do */
    CU_ASSERT_PTR_NULL(access_listen(conf, ":4"));
    conf_unref(conf);
}

static void test_unix_is_loopback(void)
{
    struct conf *conf = load_correct("Control_Listener { Listen \"/s\" {\n"
                                     "  Peer \"127.0.0.1\" { Always_Deny = true } } }\n");
    CU_ASSERT_TRUE(resolve(conf, "/s", NULL).denied);
    conf_unref(conf);
}

static void test_enable(void)
{
    struct conf *conf = load_correct("Control_Listener { Listen \"/s\" { Enable = false } }\n");
    CU_ASSERT_PTR_NULL(access_listen(conf, "/s"));
    conf_unref(conf);
}

static void test_authorization_is_on(void)
{
    struct conf *conf =
        load_correct("Control_Listener {\n"
                     "  Listen \"/s\" { AuthorizationParameters = [ uri = \"groups:///g\" ] }\n"
                     "  Listen \"/t\" { Enable_Authorization = true }\n"
                     "  Listen \"/u\" { Enable_Authorization = false\n"
                     "                AuthorizationParameters = [ uri = \"groups:///g\" ] }\n"
                     "  Listen \"/v\" { }\n"
                     "}\n");
    CU_ASSERT_TRUE(resolve(conf, "/s", NULL).authorize);
    CU_ASSERT_STRING_EQUAL(resolve(conf, "/s", NULL).groups.path, "/g");
    CU_ASSERT_TRUE(resolve(conf, "/t", NULL).authorize);
    CU_ASSERT_FALSE(resolve(conf, "/u", NULL).authorize);
    CU_ASSERT_FALSE(resolve(conf, "/v", NULL).authorize);
    conf_unref(conf);
}

/* ---- Authorization --------------------------------------------------------------------------- */

static const char rules[] = "Control_Listener { Listen \"/s\" {\n"
                            "  AuthorizationParameters = [ uri = \"groups://%s\" ] } }\n"
                            "Authorization {\n"
                            "  Role \"root\" { allow = ( \".*\" ) }\n"
                            "  Role \"admin\" { allow = ( \"^config get\" \"^summary$\" ) }\n"
                            "  Role \"ec\" { allow = ( \"^pid\" ) }\n"
                            "  Role \"slow\" { allow = ( \"^(a+)+$\" ) }\n"
                            "  Role \"square\" { allow = ( \"[a-z]+[,;]$\" ) }\n"
                            "}\n";

enum { LONG_COMMAND = 200 * 1000 };

static void judge(const struct conf *conf, const char *user, const char *command,
                  enum imp_authorization expected, const char *expected_role)
{
    struct access access = resolve(conf, "/s", NULL);
    const char *role;
    CU_ASSERT_EQUAL(roles_judge(conf, &access.groups, user, command, &role), expected);
    CU_ASSERT_STRING_EQUAL(role, expected_role);
}

static void test_authorization(void)
{
    char directory[UNIT_PATH_SIZE], path[UNIT_PATH_SIZE + 8], text[1024];
    unit_directory(directory);
    snprintf(path, sizeof path, "%s/groups", directory);
    snprintf(text, sizeof text, rules, path);
    FILE *groups = fopen(path, "w");
    CU_ASSERT_PTR_NOT_NULL_FATAL(groups);
    fputs("root:root\nadmin:serv,ec\nslow:sid\nsquare:una\n", groups);
    fclose(groups);
    struct conf *conf = load_correct(text);
    judge(conf, "root", "shutdown", IMP_AUTHORIZED, "root");
    judge(conf, "serv", "summary", IMP_AUTHORIZED, "admin");
    judge(conf, "serv", "summary reset", IMP_REFUSED, "");
    judge(conf, "serv", "summary\n", IMP_REFUSED, ""); /* $ is the very end */
    judge(conf, "serv", "config set x 1", IMP_REFUSED, "");
    judge(conf, "ec", "pid", IMP_AUTHORIZED, "ec"); /* by name, and by role: */
    judge(conf, "ec", "config get x", IMP_AUTHORIZED, "admin");
    judge(conf, "eve", "pid", IMP_REFUSED, "");
    judge(conf, "", "pid", IMP_REFUSED, "");
    judge(conf, "Root", "pid", IMP_REFUSED, "");
    judge(conf, "sid", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!", IMP_AUTHORIZATION_FAILED, "");
    char *command = malloc(LONG_COMMAND + 1); /* few steps from each of very many beginnings */
    memset(command, 'a', LONG_COMMAND);
    command[LONG_COMMAND] = '\0';
    judge(conf, "una", command, IMP_AUTHORIZATION_FAILED, "");
    free(command);
    unlink(path);
    judge(conf, "root", "shutdown", IMP_AUTHORIZATION_FAILED, ""); /* nobody knows who is root */
    conf_unref(conf);
    unit_directory_remove(directory);
}

/* ---- what is said at load -------------------------------------------------------------------- */

/* Loading `text` finds exactly one thing of that severity, on that line, with that text. */
static void finds(const char *text, enum conf_severity severity, unsigned line, const char *part)
{
    struct conf_report *report;
    struct conf *conf = load(text, &report);
    size_t found = 0;
    CU_ASSERT_EQUAL(conf == NULL, severity == CONF_ERROR);
    for (size_t i = 0; i < conf_report_count(report); i++) {
        const struct conf_diagnostic *at = conf_report_at(report, i);
        if (at->severity != severity)
            continue;
        found++;
        CU_ASSERT_EQUAL(at->place.line, line);
        if (!strstr(at->message, part))
            fprintf(stderr, "%s\n", at->message);
        CU_ASSERT_PTR_NOT_NULL(strstr(at->message, part));
    }
    CU_ASSERT_EQUAL(found, 1);
    conf_report_free(report);
    conf_unref(conf);
}

#define AUTHENTICATED(parameters) "Control_Listener {\n Listen \"/s\" {\n  " parameters "\n } }\n"

static void test_mistakes(void)
{
    finds(AUTHENTICATED("AuthDigestMD5Parameters = [ uri = \"ecauth://\" ]"), CONF_WARNING, 3, "\"ecauth\"");
    finds(AUTHENTICATED("AuthDigestMD5Parameters = [ uri = \"file:///x\" ]"), CONF_WARNING, 3, "digest:///");
    finds(AUTHENTICATED("AuthDigestMD5Parameters = [ uri = \"digest://x\" ]"), CONF_ERROR, 3, "absolute");
    finds(AUTHENTICATED("AuthDigestMD5Parameters = [ uri = \"/x\" ]"), CONF_ERROR, 3, "no URI");
    finds(AUTHENTICATED("AuthLoginParameters = [ log_authentication = \"true\" ]"), CONF_ERROR, 3, "missing");
    finds(AUTHENTICATED("AuthLoginParameters = [ url = \"file:///x\" ]"), CONF_ERROR, 3, "\"url\"");
    finds(AUTHENTICATED("AuthorizationParameters = [ uri = \"ldap:///x\" ]"), CONF_WARNING, 3, "\"ldap\"");
    finds("Control_Listener {\n Listen \"nowhere\" { }\n}\n", CONF_ERROR, 2, "expected ADDRESS:PORT");
    finds("Control_Listener {\n Listen \"/s\" { }\n}\nControl_Listener \"b\" {\n Listen \"/s\" { }\n}\n",
          CONF_ERROR, 5, "another Control_Listener");
    finds("Authorization {\n Role \"a\" {\n  allow = ( \"^config\" \"(\" )\n } }\n", CONF_ERROR, 3,
          "\"(\" is not a regular expression");
}

static void test_parameters_without_effect_are_not_refused(void)
{
    struct conf *conf = load_correct("Control_Listener {\n"
                                     "  Enable_Authentication = false\n"
                                     "  AuthDigestMD5Parameters = [ uri = \"ecauth://\" ]\n"
                                     "  Listen \"/s\" { }\n"
                                     "}\n");
    conf_unref(conf);
}

static void test_warnings(void)
{
    finds("Control_Listener {\n Listen \":1\" { } }\n", CONF_WARNING, 2, "whoever can connect");
    finds("Control_Listener {\n Listen \"127.0.0.1:1\" { } }\n", CONF_WARNING, 2, "on this machine");
    finds("Control_Listener {\n Listen \":1\" { Enable_Authentication = true } }\n", CONF_WARNING, 2,
          "nobody can log in");
    finds(AUTHENTICATED("AuthDigestMD5Parameters = [ uri = \"digest:///nonexistent/x\" ]"), CONF_WARNING, 3,
          "No such file");
}

static void test_records_at_load(void)
{
    char directory[UNIT_PATH_SIZE], path[UNIT_PATH_SIZE + 8], text[512];
    unit_directory(directory);
    snprintf(path, sizeof path, "%s/plain", directory);
    FILE *file = fopen(path, "w");
    CU_ASSERT_PTR_NOT_NULL_FATAL(file);
    fputs("# comment\ntom:pw\nnonsense\n", file);
    fclose(file);
    snprintf(text, sizeof text, AUTHENTICATED("AuthLoginParameters = [ uri = \"file://%s\" ]"), path);
    finds(text, CONF_WARNING, 3, "expected user:password");
    unit_directory_remove(directory);
}

static void swallow(enum panic_level level, const char *line, size_t size, void *closure)
{
    (void)level;
    (void)line;
    (void)size;
    (void)closure;
}

int main(void)
{
    paniclog_add_sink(swallow, NULL);
    paniclog_set_stderr(false);
    CU_TestInfo tests[] = {
        {"authentication", test_authentication},
        {"a Unix connection is one from the loopback address", test_unix_is_loopback},
        {"Enable", test_enable},
        {"when authorization is on", test_authorization_is_on},
        {"authorization", test_authorization},
        {"mistakes", test_mistakes},
        {"parameters without effect", test_parameters_without_effect_are_not_refused},
        {"warnings", test_warnings},
        {"records at load", test_records_at_load},
        CU_TEST_INFO_NULL,
    };
    return unit_run("console access", tests);
}
