/* What modules add to the language: options in scopes of the core, and stanzas in their own. */
#include "conf_question.h"

static const struct conf_option own_rows[] = {
    {.name = "table", .type = CONF_STRING, .default_text = "memory"},
    {.name = "rule", .type = CONF_SCOPE, .choices = "named", .scopes = ""},
    {.name = "weight", .type = CONF_INT, .choices = "0..9", .default_text = "1", .scopes = "rule"},
    {.name = "when", .type = CONF_SCOPE, .choices = "unnamed", .scopes = "rule"},
    {.name = "weight", .type = CONF_INT, .default_text = "7", .scopes = "rule/when"},
};
static const struct conf_option added_rows[] = {
    {.name = "grey_delay",
     .type = CONF_DURATION,
     .default_text = "300",
     .choices = "0..",
     .scopes = "global,listen,peer,domain",
     .note = "how long a new sender waits"},
    {.name = "grey_mode",
     .type = CONF_ENUM,
     .default_text = "defer",
     .choices = "defer|tag",
     .scopes = "peer"},
    {.name = "grey_networks", .type = CONF_CIDR_LIST, .scopes = "listen"},
    {.name = "grey_cluster",
     .type = CONF_BOOL,
     .scopes = "global",
     .support = CONF_ACCEPTED,
     .note = "there is no cluster here"},
};
static const struct conf_option other_rows[] = {
    {.name = "a_limit", .type = CONF_SIZE, .default_text = "2k", .scopes = "binding,domain,global"},
};
static const struct conf_module_schema schemas[] = {
    {.name = "grey",
     .singleton = true,
     .options = own_rows,
     .option_count = sizeof own_rows / sizeof *own_rows,
     .added = added_rows,
     .added_count = sizeof added_rows / sizeof *added_rows},
    {.name = "other", .added = other_rows, .added_count = 1},
};

static struct conf *load_any(const char *text)
{
    struct conf_load_options options = {.modules = schemas, .module_count = 2};
    return conf_load_text("text", text, strlen(text), &options, &found);
}

static struct conf *load(const char *text)
{
    struct conf *conf = load_any(text);
    if (!conf)
        conf_report_print(found, CONF_NOTE, stderr);
    CU_ASSERT_PTR_NOT_NULL_FATAL(conf);
    return conf;
}

static bool is_refused(const char *text, unsigned line, unsigned column, const char *part)
{
    struct conf *conf = load_any(text);
    bool good = !conf && only_finding(line, column, part);
    conf_drop(conf);
    return good;
}

/* ---- options in scopes of the core ----------------------------------------------------------------------
 */

static int64_t for_client(const struct conf *conf, const char *address, const char *option)
{
    const struct conf_scope *listener = conf_scope_next(conf_root(conf), "esmtp_listener", NULL);
    struct conf_chain chain;
    uint8_t bytes[16];
    unsigned bits;
    CU_ASSERT_FATAL(conf_parse_cidr(address, bytes, &bits));
    conf_chain_inbound(&chain, conf, listener, conf_scope_next(listener, "listen", NULL), bytes);
    return conf_chain_int(&chain, option);
}

static int64_t for_domain(const struct conf *conf, const char *domain, const char *option)
{
    struct conf_chain chain;
    conf_chain_outbound(&chain, conf, NULL, domain);
    return conf_chain_int(&chain, option);
}

static void test_fallback(void)
{
    struct conf *conf = load("Grey_Delay = 60\n"
                             "ESMTP_Listener { Listen \":25\" {\n"
                             "  Peer \"10.0.0.0/8\" { grey_delay = 10 grey_mode = TAG }\n"
                             "  grey_networks = ( 192.0.2.0/24 fd00::/8 )\n"
                             "} }\n"
                             "Domain \"a.example\" { grey_delay = 1 }\n"
                             "Binding \"b\" { a_limit = 3k }\n");
    CU_ASSERT_EQUAL(conf_report_count(found), 0);
    CU_ASSERT_EQUAL(for_client(conf, "10.1.1.1", "grey_delay"), 10);
    CU_ASSERT_EQUAL(for_client(conf, "10.1.1.1", "grey_mode"), 2);
    CU_ASSERT_EQUAL(for_client(conf, "192.0.2.1", "GREY_DELAY"), 60);
    CU_ASSERT_EQUAL(for_client(conf, "192.0.2.1", "grey_mode"), 1); /* the manifest's default */
    CU_ASSERT_EQUAL(for_domain(conf, "a.example", "grey_delay"), 1);
    CU_ASSERT_EQUAL(for_domain(conf, "b.example", "grey_delay"), 60);
    CU_ASSERT_EQUAL(for_domain(conf, "b.example", "a_limit"), 2048);
    CU_ASSERT(conf_is_set(conf, "grey_delay"));
    CU_ASSERT(conf_is_set(conf, "A_Limit"));
    CU_ASSERT_FALSE(conf_is_set(conf, "grey_cluster"));
    CU_ASSERT_STRING_EQUAL(conf_option_module(conf, "Grey_Delay"), "grey");
    CU_ASSERT_PTR_NULL(conf_option_module(conf, "retry_interval"));
    CU_ASSERT_STRING_EQUAL(conf_option_row(conf, "grey_mode")->name, "grey_mode");
    CU_ASSERT_PTR_NULL(conf_option_row(conf, "table")); /* of the stanza */
    conf_drop(conf);
}

static void test_mistakes(void)
{
    CU_ASSERT(is_refused("grey_delai = 1", 1, 1, "unknown option 'grey_delai'; did you mean 'grey_delay'?"));
    CU_ASSERT(is_refused("grey_delay = soon", 1, 14, "grey_delay: expected"));
    CU_ASSERT(is_refused("grey_mode = tag", 1, 1,
                         "option grey_mode of module grey cannot stand in the scope global, only in: peer"));
    CU_ASSERT(is_refused("grey {\n  grey_delay = 1\n}", 2, 3, "cannot stand in the scope grey"));
    CU_ASSERT(is_refused("Domain \"x\" {\n table = a\n}", 2, 2, "unknown option 'table'"));
    CU_ASSERT(is_refused("ESMTP_Listener { Listen \":25\" { grey_networks = ( 10.0.0.0/8 nonsense ) } }", 1,
                         62, "grey_networks: expected"));
}

static void test_without_effect(void)
{
    struct conf *conf = load("grey_cluster = true\n");
    CU_ASSERT(only_finding(1, 1,
                           "option grey_cluster of module grey is read but has no effect in this version: "
                           "there is no cluster here"));
    conf_drop(conf);
}

/* ---- stanzas in the module's stanza ---------------------------------------------------------------------
 */

static void test_stanzas(void)
{
    struct conf *conf = load("grey {\n"
                             "  rule \"first\" { weight = 3 when { weight = 4 } }\n"
                             "  rule \"second\" { when { } }\n"
                             "}\n");
    const struct conf_scope *first = at(conf, "grey", "", "rule", "first", NULL);
    const struct conf_scope *second = at(conf, "grey", "", "rule", "second", NULL);
    CU_ASSERT_EQUAL(conf_report_count(found), 0);
    CU_ASSERT_PTR_NOT_NULL_FATAL(first);
    CU_ASSERT_PTR_NOT_NULL_FATAL(second);
    CU_ASSERT_EQUAL(conf_module_value(conf, first, "weight")->number, 3);
    CU_ASSERT_EQUAL(conf_module_value(conf, second, "weight")->number, 1);
    CU_ASSERT_EQUAL(conf_module_value(conf, conf_scope_find(first, "when", ""), "weight")->number, 4);
    CU_ASSERT_EQUAL(conf_module_value(conf, conf_scope_find(second, "when", ""), "weight")->number, 7);
    CU_ASSERT_PTR_NULL(conf_module_value(conf, second, "table"));
    CU_ASSERT_PTR_NULL(conf_module_value(conf, second, "enabled"));
    conf_drop(conf);
    CU_ASSERT(is_refused("grey {\n rule { }\n}", 2, 2, "a stanza rule needs a name"));
    CU_ASSERT(is_refused("grey {\n rule \"x\" { weight = 10 }\n}", 2, 22, "weight: expected"));
    CU_ASSERT(is_refused("grey {\n rule \"x\" { wait = 1 }\n}", 2, 13, "unknown option 'wait'"));
    CU_ASSERT(is_refused("grey {\n rule \"x\" { table = a }\n}", 2, 13, "unknown option 'table'"));
    CU_ASSERT(is_refused("grey {\n rule \"x\" { whem { } }\n}", 2, 13, "did you mean 'when'?"));
    CU_ASSERT(is_refused("grey {\n when { }\n}", 2, 2, "unknown stanza 'when'"));
    CU_ASSERT(is_refused("rule \"x\" { }", 1, 1, "unknown stanza 'rule'"));
}

/* ---- questions ------------------------------------------------------------------------------------------
 */

static void test_questions(void)
{
    struct conf *conf = load("grey_delay = 60\n"
                             "ESMTP_Listener { Listen \":25\" { Peer \"10.0.0.0/8\" { grey_delay = 10 } } }\n"
                             "grey { rule \"r\" { weight = 3 } }\n");
    const char *peer = "esmtp_listener listen :25 peer 10.0.0.0/8 grey_delay";
    CU_ASSERT(says(conf_query_get, conf, "grey_delay", "Grey_Delay = 60\n"));
    CU_ASSERT(says(conf_query_eval, conf, peer, "Grey_Delay = 10\n"));
    CU_ASSERT(says(conf_query_eval, conf, "domain x.example grey_delay", "Grey_Delay = 60\n"));
    CU_ASSERT(says(conf_query_eval, conf, "a_limit", "A_Limit = 2k\n"));
    CU_ASSERT(says(conf_query_eval, conf, "grey rule r weight", "Weight = 3\n"));
    CU_ASSERT(says(conf_query_eval, conf, "grey rule q weight", "Weight = 1\n"));
    CU_ASSERT(says(conf_query_eval, conf, "grey rule r when weight", "Weight = 7\n"));
    CU_ASSERT(says(conf_query_get, conf, "grey_mode",
                   "option 'grey_mode' cannot stand in the scope global, only in: peer\n"));
    CU_ASSERT(says(conf_query_get, conf, "grey_dela",
                   "the scope global has no option or stanza 'grey_dela'; did you mean 'grey_delay'?\n"));
    CU_ASSERT(says(conf_query_explain, conf, "domain x.example grey_delay",
                   "Grey_Delay = 60\n"
                   "  from text:1\n"
                   "\n"
                   "Asked in this order:\n"
                   "  Domain \"x.example\"  no such stanza\n"
                   "  global              set at text:1  <- this one\n"
                   "\n"
                   "An option of module grey.\n"
                   "Honoured: how long a new sender waits\n"));
    conf_drop(conf);
}

int main(void)
{
    CU_TestInfo tests[] = {
        {"options in scopes of the core: fallback", test_fallback},
        {"options in scopes of the core: mistakes", test_mistakes},
        {"options in scopes of the core: without effect", test_without_effect},
        {"stanzas in the module's stanza", test_stanzas},
        {"questions", test_questions},
        CU_TEST_INFO_NULL,
    };
    return unit_run("conf added", tests);
}
