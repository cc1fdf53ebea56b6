/*
 * What modules read of the configuration: their stanza and those in it, what applies to a client and to a
 * queue, and what is said of questions that their manifest cannot answer.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include "base/mem.h"
#include "impulse/config.h"
#include "module/imp_config.h"
#include "module/set.h"
#include "unit.h"

static const char manifest_text[] = "[grey]\n"
                                    "kind = singleton\n"
                                    "option.text = string hello\n"
                                    "option.unset = string\n"
                                    "option.flag = bool true\n"
                                    "option.number = int 7\n"
                                    "option.room = size 2k\n"
                                    "option.time = duration 1.5\n"
                                    "option.mode = mode 0640\n"
                                    "option.port = port 25\n"
                                    "option.colour = enum(red|green|blue) green\n"
                                    "option.peer = address ::1\n"
                                    "option.net = cidr 10.0.0.0/8\n"
                                    "option.names = list\n"
                                    "option.nets = cidr_list\n"
                                    "option.pairs = dict\n"
                                    "option.rate = throttle 100/60\n"
                                    "stanza.rule = named\n"
                                    "option.rule/number = int 1\n"
                                    "stanza.rule/when = unnamed\n"
                                    "option.rule/when/number = int 2\n"
                                    "option.grey_limit = int 5\n"
                                    "scopes.grey_limit = inbound, outbound\n"
                                    "option.grey_out = string none\n"
                                    "scopes.grey_out = domain\n";

struct site { /* a configuration of that module */
    char directory[UNIT_PATH_SIZE];
    struct manifest_set *manifests;
    struct conf *conf;
    struct config_reading reading;
    struct imp_config config;
};

static void open_site(struct site *site, const char *text)
{
    char error[256], path[128];
    struct conf_report *report;
    unit_directory(site->directory);
    snprintf(path, sizeof path, "%s/grey.ecm", site->directory);
    FILE *out = fopen(path, "w");
    fputs(manifest_text, out);
    fclose(out);
    site->manifests = manifest_set_read(site->directory, error, sizeof error);
    CU_ASSERT_PTR_NOT_NULL_FATAL(site->manifests);
    struct conf_load_options options = {0};
    options.modules = manifest_set_schemas(site->manifests, &options.module_count);
    site->conf = conf_load_text("t.conf", text, strlen(text), &options, &report);
    conf_report_print(report, CONF_NOTE, stderr);
    conf_report_free(report);
    CU_ASSERT_PTR_NOT_NULL_FATAL(site->conf);
    config_reading_begin(&site->reading, "grey");
    site->config = (struct imp_config){site->conf, conf_scope_next(conf_root(site->conf), "grey", NULL),
                                       manifest_find(site->manifests, "grey"), "", &site->reading};
}

static void close_site(struct site *site)
{
    config_reading_end(&site->reading);
    conf_unref(site->conf);
    manifest_set_free(site->manifests);
    unit_directory_remove(site->directory);
}

/* The fault since the last call, with "DIR" for the directory of the manifest; "" when there was none. */
static const char *fault_of(struct site *site)
{
    static char line[600];
    char *directory = strstr(site->reading.fault.line, site->directory);
    if (directory)
        snprintf(line, sizeof line, "%.*sDIR%s", (int)(directory - site->reading.fault.line),
                 site->reading.fault.line, directory + strlen(site->directory));
    else
        snprintf(line, sizeof line, "%s", site->reading.fault.line);
    site->reading.fault.line[0] = '\0';
    return line;
}

/* ---- the stanza -------------------------------------------------------------------------------------------
 */

static void test_every_type(void)
{
    struct site site;
    open_site(
        &site,
        "grey {\n text = \"a b\"\n names = ( x \"y z\" )\n nets = 10.0.0.0/8\n pairs = [ k = v K2 = v2 ]\n"
        " flag = no\n port = 26\n}\n");
    const struct imp_config *config = &site.config;
    CU_ASSERT_STRING_EQUAL(imp_config_text(config, "TEXT"), "a b");
    CU_ASSERT_PTR_NULL(imp_config_text(config, "unset"));
    CU_ASSERT_FALSE(imp_config_bool(config, "flag"));
    CU_ASSERT_EQUAL(imp_config_int(config, "number"), 7);
    CU_ASSERT_EQUAL(imp_config_int(config, "room"), 2048);
    CU_ASSERT_EQUAL(imp_config_int(config, "time"), 1);
    CU_ASSERT_EQUAL(imp_config_seconds(config, "time"), 1.5);
    CU_ASSERT_EQUAL(imp_config_int(config, "mode"), 0640);
    CU_ASSERT_EQUAL(imp_config_int(config, "port"), 26);
    CU_ASSERT_EQUAL(imp_config_choice(config, "colour"), 1);
    CU_ASSERT_STRING_EQUAL(imp_config_text(config, "colour"), "green");
    CU_ASSERT_STRING_EQUAL(imp_config_text(config, "peer"), "::1");
    CU_ASSERT_STRING_EQUAL(imp_config_text(config, "net"), "10.0.0.0/8");
    CU_ASSERT_EQUAL(imp_config_count(config, "names"), 2);
    CU_ASSERT_STRING_EQUAL(imp_config_item(config, "names", 1), "y z");
    CU_ASSERT_PTR_NULL(imp_config_item(config, "names", 2));
    CU_ASSERT_EQUAL(imp_config_count(config, "nets"), 1);
    CU_ASSERT_EQUAL(imp_config_count(config, "pairs"), 2);
    CU_ASSERT_STRING_EQUAL(imp_config_key(config, "pairs", 1), "K2");
    CU_ASSERT_STRING_EQUAL(imp_config_item(config, "pairs", 1), "v2");
    CU_ASSERT_STRING_EQUAL(imp_config_lookup(config, "pairs", "k2"), "v2");
    CU_ASSERT_PTR_NULL(imp_config_lookup(config, "pairs", "k3"));
    CU_ASSERT_EQUAL(imp_config_int(config, "rate"), 100);
    CU_ASSERT_EQUAL(imp_config_seconds(config, "rate"), 60);
    CU_ASSERT(imp_config_is_set(config, "port"));
    CU_ASSERT_FALSE(imp_config_is_set(config, "number"));
    CU_ASSERT_EQUAL(imp_config_global_int(config, "retry_interval"), 1200);
    CU_ASSERT_EQUAL(imp_config_global_int(config, "grey_limit"), 5);
    CU_ASSERT_STRING_EQUAL(fault_of(&site), "");
    close_site(&site);
}

static void test_without_a_stanza(void)
{
    struct site site;
    open_site(&site, "grey_limit = 9\n");
    CU_ASSERT_PTR_NULL(site.config.scope);
    CU_ASSERT_STRING_EQUAL(imp_config_text(&site.config, "text"), "hello");
    CU_ASSERT_EQUAL(imp_config_choice(&site.config, "colour"), 1);
    CU_ASSERT_FALSE(imp_config_is_set(&site.config, "text"));
    CU_ASSERT_PTR_NULL(imp_config_stanza(&site.config, "rule", NULL));
    CU_ASSERT_EQUAL(imp_config_global_int(&site.config, "grey_limit"), 9);
    CU_ASSERT_STRING_EQUAL(fault_of(&site), "");
    imp_config_text(&site.config, "nonesuch");
    CU_ASSERT_STRING_EQUAL(fault_of(&site),
                           "module grey: it asks for option \"nonesuch\" as text, but the manifest "
                           "DIR/grey.ecm does not declare it");
    close_site(&site);
}

static void test_stanzas(void)
{
    struct site site;
    open_site(&site, "grey {\n rule a { number = 4 when { } }\n rule b { when { number = 6 } }\n}\n");
    const struct imp_config *a = imp_config_stanza(&site.config, "Rule", NULL);
    const struct imp_config *b = imp_config_stanza(&site.config, "rule", a);
    CU_ASSERT_PTR_NOT_NULL_FATAL(a);
    CU_ASSERT_PTR_NOT_NULL_FATAL(b);
    CU_ASSERT_PTR_NULL(imp_config_stanza(&site.config, "rule", b));
    CU_ASSERT_STRING_EQUAL(imp_config_name(a), "a");
    CU_ASSERT_EQUAL(imp_config_int(a, "number"), 4);
    CU_ASSERT_EQUAL(imp_config_int(b, "number"), 1);
    CU_ASSERT_EQUAL(imp_config_int(imp_config_stanza(a, "when", NULL), "number"), 2);
    CU_ASSERT_EQUAL(imp_config_int(imp_config_stanza(b, "when", NULL), "number"), 6);
    CU_ASSERT_STRING_EQUAL(fault_of(&site), "");
    imp_config_text(b, "text");
    CU_ASSERT_STRING_EQUAL(fault_of(&site),
                           "t.conf:3: module grey: it asks for option \"text\" as text, but the manifest "
                           "DIR/grey.ecm does not declare it for the stanza rule");
    imp_config_error(b, "number", "is too %s", "small"); /* it is not set: the place is the stanza's */
    CU_ASSERT_STRING_EQUAL(fault_of(&site), "t.conf:3: module grey: number: is too small");
    imp_config_error(a, "number", "is too %s", "large");
    CU_ASSERT_STRING_EQUAL(fault_of(&site), "t.conf:2:20: module grey: number: is too large");
    close_site(&site);
}

static void test_wrong_questions(void)
{
    struct site site;
    open_site(&site, "grey { }\n");
    const struct imp_config *config = &site.config;
    CU_ASSERT_PTR_NULL(imp_config_text(config, "number"));
    CU_ASSERT_EQUAL(imp_config_int(config, "text"), 0); /* the first one counts */
    CU_ASSERT_STRING_EQUAL(
        fault_of(&site),
        "t.conf:1: module grey: it asks for option \"number\" as text, but it is declared as int");
    static const struct {
        const char *option, *said;
    } rows[] = {{"text", "as int, but it is declared as string"},
                {"flag", "as int, but it is declared as bool"},
                {"names", "as int, but it is declared as list"}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        CU_ASSERT_EQUAL(imp_config_int(config, rows[i].option), 0);
        CU_ASSERT_PTR_NOT_NULL(strstr(fault_of(&site), rows[i].said));
    }
    CU_ASSERT_PTR_NULL(imp_config_key(config, "names", 0));
    CU_ASSERT_PTR_NOT_NULL(strstr(fault_of(&site), "\"names\" as dict, but it is declared as list"));
    CU_ASSERT_FALSE(imp_config_is_set(config, "txet"));
    CU_ASSERT_PTR_NOT_NULL(strstr(fault_of(&site), "\"txet\""));
    imp_config_int(config, "grey_limit");
    CU_ASSERT_PTR_NOT_NULL(strstr(fault_of(&site), "it is declared for scopes of the core"));
    imp_config_global_int(config, "retry_intervall");
    CU_ASSERT_PTR_NOT_NULL(strstr(fault_of(&site), "\"retry_intervall\" as int, but there is none"));
    close_site(&site);
}

/* ---- policies
 * ---------------------------------------------------------------------------------------------- */

static atomic_int released;

static void count_released(void *data)
{
    atomic_fetch_add(&released, 1);
    free(data);
}

static int keep_limit(struct imp_module *module, struct imp_policy *policy)
{
    int64_t *limit = mem_new(int64_t);
    *limit = imp_policy_int(policy, "grey_limit");
    imp_policy_set(policy, module, limit, count_released);
    return *limit == 13 ? imp_policy_error(policy, "grey_limit", "brings bad luck") : 0;
}

static int ask_outbound(struct imp_module *module, struct imp_policy *policy)
{
    (void)module;
    imp_policy_text(policy, "grey_out");
    return 0;
}

static int ask_type(struct imp_module *module, struct imp_policy *policy)
{
    (void)module;
    imp_policy_bool(policy, "grey_limit");
    return 0;
}

static struct module_set *set_of(int (*inbound)(struct imp_module *, struct imp_policy *),
                                 int (*outbound)(struct imp_module *, struct imp_policy *))
{
    static struct imp_module_definition definition;
    struct module_set *set = module_set_create(NULL);
    definition =
        (struct imp_module_definition){.name = "grey", .policy = inbound, .outbound_policy = outbound};
    module_set_add(set, &definition, "");
    return set;
}

static void chain_to(struct conf_chain *chain, const struct site *site, const char *domain)
{
    conf_chain_outbound(chain, site->conf, NULL, domain);
}

static void test_outbound(void)
{
    struct site site;
    struct conf_chain chain;
    open_site(&site,
              "Domain \"a.example\" { grey_limit = 1 }\nDomain \"bad.example\" {\n grey_limit = 13\n}\n");
    struct module_set *set = set_of(NULL, keep_limit);
    chain_to(&chain, &site, "a.example");
    struct imp_policy *policy = imp_policy_create_outbound(set, &chain);
    CU_ASSERT_PTR_NOT_NULL_FATAL(policy);
    CU_ASSERT_EQUAL(*(int64_t *)imp_policy_get(policy, set->instances[0]), 1);
    CU_ASSERT_EQUAL(imp_policy_int(policy, "grey_limit"), 0); /* only while it is made */
    imp_policy_unref(imp_policy_ref(policy));
    CU_ASSERT_EQUAL(released, 0);
    imp_policy_unref(policy);
    CU_ASSERT_EQUAL(released, 1);
    chain_to(&chain, &site, "bad.example"); /* too late to stop anything: nothing is kept */
    policy = imp_policy_create_outbound(set, &chain);
    CU_ASSERT_PTR_NULL(imp_policy_get(policy, set->instances[0]));
    CU_ASSERT_EQUAL(released, 2);
    imp_policy_unref(policy);
    char error[300];
    CU_ASSERT_FALSE(module_set_check_outbound(set, site.conf, error, sizeof error));
    CU_ASSERT_STRING_EQUAL(error, "t.conf:3:15: module grey: grey_limit: brings bad luck");
    module_set_unref(set);
    set = set_of(keep_limit, NULL); /* nobody wants outbound policies */
    CU_ASSERT_PTR_NULL(imp_policy_create_outbound(set, &chain));
    CU_ASSERT(module_set_check_outbound(set, site.conf, error, sizeof error));
    module_set_unref(set);
    close_site(&site);
}

static const char *inbound_error(const struct site *site,
                                 int (*inbound)(struct imp_module *, struct imp_policy *))
{
    static char error[400];
    struct conf_chain chain;
    struct module_set *set = set_of(inbound, NULL);
    conf_chain_global(&chain, site->conf);
    struct imp_policy *policy = imp_policy_create(set, &chain, error, sizeof error);
    if (policy)
        error[0] = '\0';
    imp_policy_unref(policy);
    module_set_unref(set);
    return error;
}

static void test_wrong_questions_of_policies(void)
{
    struct site site;
    open_site(&site, "grey_limit = 13\n");
    CU_ASSERT_STRING_EQUAL(inbound_error(&site, keep_limit),
                           "t.conf:1:14: module grey: grey_limit: brings bad luck");
    CU_ASSERT_STRING_EQUAL(
        inbound_error(&site, ask_outbound),
        "module grey: it asks an inbound policy for option \"grey_out\", but it stands in: domain");
    CU_ASSERT_STRING_EQUAL(
        inbound_error(&site, ask_type),
        "module grey: it asks for option \"grey_limit\" as bool, but it is declared as int");
    close_site(&site);
}

/* Outbound policies are made on any thread. */
static void *make_many(void *closure)
{
    struct site *site = ((void **)closure)[0];
    struct module_set *set = ((void **)closure)[1];
    for (int i = 0; i < 200; i++) {
        struct conf_chain chain;
        chain_to(&chain, site, i % 2 ? "a.example" : "b.example");
        struct imp_policy *policy = imp_policy_create_outbound(set, &chain);
        if (*(int64_t *)imp_policy_get(policy, set->instances[0]) != (i % 2 ? 1 : 5))
            return site;
        imp_policy_unref(policy);
    }
    return NULL;
}

static void test_on_several_threads(void)
{
    struct site site;
    pthread_t threads[4];
    open_site(&site, "Domain \"a.example\" { grey_limit = 1 }\n");
    struct module_set *set = set_of(NULL, keep_limit);
    void *closure[] = {&site, set};
    released = 0;
    for (size_t i = 0; i < 4; i++)
        pthread_create(&threads[i], NULL, make_many, closure);
    for (size_t i = 0; i < 4; i++) {
        void *wrong;
        pthread_join(threads[i], &wrong);
        CU_ASSERT_PTR_NULL(wrong);
    }
    CU_ASSERT_EQUAL(released, 800);
    module_set_unref(set);
    close_site(&site);
}

int main(void)
{
    CU_TestInfo tests[] = {
        {"the stanza: every type", test_every_type},
        {"the stanza: there is none", test_without_a_stanza},
        {"the stanza: those in it", test_stanzas},
        {"the stanza: wrong questions", test_wrong_questions},
        {"policies: outbound", test_outbound},
        {"policies: wrong questions", test_wrong_questions_of_policies},
        {"policies: on several threads", test_on_several_threads},
        CU_TEST_INFO_NULL,
    };
    return unit_run("module options", tests);
}
