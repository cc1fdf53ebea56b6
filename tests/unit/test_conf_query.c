/* The answers of config get, config eval and impulsectl explain. */
#include "conf_question.h"

static const struct conf_option module_rows[] = {
    {.name = "mainlog", .type = CONF_STRING, .default_text = "\"/var/log/main\"", .note = "where lines go"},
    {.name = "cluster", .type = CONF_STRING, .support = CONF_ACCEPTED, .note = "no cluster here"},
};

static const struct conf_module_schema schema = {
    .name = "writer", .options = module_rows, .option_count = sizeof module_rows / sizeof *module_rows};

static struct conf *load(const char *text)
{
    struct conf_load_options options = {.lenient = true, .modules = &schema, .module_count = 1};
    struct conf *conf = conf_load_text("text", text, strlen(text), &options, &found);
    if (!conf)
        conf_report_print(found, CONF_NOTE, stderr);
    CU_ASSERT_PTR_NOT_NULL_FATAL(conf);
    return conf;
}

/* The examples of the manual's page of the console command "config". */
static void test_manual(void)
{
    struct conf *conf = load("Message_Expiration = 86400\n"
                             "Domain earthlink.net { Message_Expiration = 900 }\n"
                             "Binding smtp-01 {\n"
                             "  EHLO_Hostname = \"smtp-01.com\"\n"
                             "  Domain relay.com { EHLO_Hostname = \"relay.com\" }\n"
                             "}\n");
    CU_ASSERT(says(conf_query_get, conf, "blackhole", "Option 'Blackhole' is not set in scope ''.\n"));
    CU_ASSERT(taken);
    CU_ASSERT(says(conf_query_eval, conf, "blackhole", "Blackhole = 0\n"));
    CU_ASSERT(says(conf_query_get, conf, "message_expiration", "Message_Expiration = 86400\n"));
    CU_ASSERT(says(conf_query_get, conf, "domain earthlink.net message_expiration",
                   "        Message_Expiration = 900\n"));
    CU_ASSERT(says(conf_query_get, conf, "binding smtp-01 domain relay.com ehlo_hostname",
                   "        EHLO_Hostname = \"relay.com\"\n"));
    CU_ASSERT(says(conf_query_eval, conf, "binding smtp-01 domain other.com ehlo_hostname",
                   "EHLO_Hostname = \"smtp-01.com\"\n"));
    CU_ASSERT(says(conf_query_get, conf, "binding smtp-01 domain other.com ehlo_hostname",
                   "Option 'EHLO_Hostname' is not set in scope 'Binding \"smtp-01\" Domain "
                   "\"other.com\"'.\n"));
    conf_drop(conf);
}

static void test_eval(void)
{
    struct conf *conf = load("max_outbound_connections = 32\n"
                             "host example.com { }\n"
                             "Control_Listener {\n"
                             "  Enable_Authentication = true\n"
                             "  Listen \"127.0.0.1:2025\" { }\n"
                             "}\n"
                             "ESMTP_Listener { relay_hosts = ( \"10.0.0.1\" \"10.0.0.2\" ) }");
    CU_ASSERT(says(conf_query_eval, conf, "max_outbound_connections", "Max_Outbound_Connections = 32\n"));
    CU_ASSERT(says(conf_query_eval, conf, "host example.com max_outbound_connections",
                   "Max_Outbound_Connections = -1\n"));
    CU_ASSERT(says(conf_query_eval, conf, "Control_Listener Listen 127.0.0.1:2025 Enable_Authentication",
                   "Enable_Authentication = true\n"));
    CU_ASSERT(says(conf_query_eval, conf, "esmtp_listener listen :25 relay_hosts",
                   "Relay_Hosts = (\n  10.0.0.1\n  10.0.0.2\n)\n"));
    CU_ASSERT(says(conf_query_eval, conf, "hostname", "Option 'Hostname' is not set in scope ''.\n"));
    conf_drop(conf);
}

static void test_refusals(void)
{
    struct conf *conf = load("");
    CU_ASSERT(says(conf_query_get, conf, "", "the name of an option was expected\n"));
    CU_ASSERT_FALSE(taken);
    CU_ASSERT(says(conf_query_eval, conf, "domain a.example",
                   "the name of an option was expected after Domain \"a.example\"\n"));
    CU_ASSERT(says(conf_query_explain, conf, "blackhole true",
                   "'true' was not expected after the option blackhole\n"));
    CU_ASSERT_FALSE(taken);
    ask(conf_query_explain, conf, "blackhol");
    CU_ASSERT_FALSE(taken);
    conf_drop(conf);
}

/* ---- explain ------------------------------------------------------------------------------------------- */

/* Is the answer, up to the line about what the option does, the expected one? */
static bool explains(const struct conf *conf, const char *text, const char *expected)
{
    const char *answer = ask(conf_query_explain, conf, text);
    bool same = strncmp(answer, expected, strlen(expected)) == 0;
    if (!same)
        fprintf(stderr, "%s: %s", text, answer);
    return same;
}

static void test_explain_inbound(void)
{
    struct conf *conf = load("Pathway \"in\" { idle_time = 30 }\n"
                             "ESMTP_Listener {\n"
                             "  idle_time = 20\n"
                             "  Listen \":25\" { pathway = in }\n"
                             "  Peer \"10.0.0.0/8\" { idle_time = 10 }\n"
                             "}\n");
    CU_ASSERT(explains(
        conf, "esmtp_listener listen :25 peer 10.0.0.1 idle_time",
        "Idle_Time = 10\n"
        "  from text:5\n"
        "\n"
        "Asked in this order:\n"
        "  Esmtp_Listener Listen \":25\" Peer \"10.0.0.1\"  no such stanza\n"
        "  Esmtp_Listener Peer \"10.0.0.0/8\"             covers 10.0.0.1; set at text:5  <- this one\n"
        "  Esmtp_Listener                               not asked any more: set at text:3\n"
        "  Pathway \"in\"                                 the pathway of text:4; not asked any more: "
        "set at text:1\n"
        "\n"));
    conf_drop(conf);
}

static void test_explain_outbound(void)
{
    struct conf *conf = load("binding_group g {\n"
                             "  binding b { Domain \"/[.]com$/\" { max_retries = 7 } }\n"
                             "}\n");
    CU_ASSERT(explains(conf, "binding b domain example.com max_retries",
                       "Max_Retries = 7\n"
                       "  from text:2\n"
                       "\n"
                       "Asked in this order:\n"
                       "  Binding \"b\" Domain \"example.com\"                  no such stanza\n"
                       "  Binding_Group \"g\" Binding \"b\" Domain \"/[.]com$/\"  covers example.com; set at "
                       "text:2  <- this one\n"
                       "\n"));
    CU_ASSERT(explains(conf, "domain example.org max_retries",
                       "Max_Retries = auto\n"
                       "  the default\n"
                       "\n"
                       "Asked in this order:\n"
                       "  Domain \"example.org\"  no such stanza\n"
                       "  global                not set\n"
                       "  default               <- this one\n"));
    conf_drop(conf);
}

static void test_explain_modules(void)
{
    struct conf *conf = load("writer w { cluster = x }");
    CU_ASSERT(says(conf_query_explain, conf, "writer w mainlog",
                   "Mainlog = \"/var/log/main\"\n"
                   "  the default\n"
                   "\n"
                   "Asked in this order:\n"
                   "  writer \"w\"    not set\n"
                   "  default       <- this one\n"
                   "\n"
                   "Honoured: where lines go\n"));
    CU_ASSERT(says(conf_query_explain, conf, "writer w cluster",
                   "Cluster = \"x\"\n"
                   "  from text:1\n"
                   "\n"
                   "Asked in this order:\n"
                   "  writer \"w\"    set at text:1  <- this one\n"
                   "\n"
                   "Read, but without effect: no cluster here\n"));
    conf_drop(conf);
}

/* What stands in values.def is said instead of the option's own line. */
static void test_explain_values(void)
{
    struct conf *conf = load("tls = required");
    const char *answer = ask(conf_query_explain, conf, "tls");
    CU_ASSERT_PTR_NOT_NULL(strstr(answer, "\nrequired: Not supported: "));
    answer = ask(conf_query_explain, conf, "cluster cluster_group");
    CU_ASSERT_PTR_NOT_NULL(strstr(answer, "\nCluster: Read, but without effect: "));
    answer = ask(conf_query_explain, conf, "clamav daemon");
    CU_ASSERT_PTR_NOT_NULL(strstr(answer, "\nclamav: Not supported: "));
    conf_drop(conf);
}

int main(void)
{
    CU_TestInfo tests[] = {
        {"the manual's examples", test_manual},
        {"eval", test_eval},
        {"refusals", test_refusals},
        {"explain inbound", test_explain_inbound},
        {"explain outbound", test_explain_outbound},
        {"explain modules", test_explain_modules},
        {"explain values", test_explain_values},
        CU_TEST_INFO_NULL,
    };
    return unit_run("conf query", tests);
}
