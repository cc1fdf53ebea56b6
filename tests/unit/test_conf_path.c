/* Paths: words of a command, the scope they name, and the levels that are asked there. */
#include "conf_harness.h"
#include "confparse/path.h"

enum { WORDS_MAX = 24, TEXT_MAX = 512 };

static const struct conf_option module_rows[] = {
    {.name = "logs", .type = CONF_STRING, .default_text = "\"all\""},
    {.name = "sync", .type = CONF_BOOL, .default_text = "false"},
};

static const struct conf_module_schema schemas[] = {
    {.name = "writer", .singleton = false, .options = module_rows, .option_count = 2},
    {.name = "only", .singleton = true, .options = module_rows, .option_count = 2},
};

static struct conf *load(const char *text)
{
    struct conf_load_options options = {.lenient = true, .modules = schemas, .module_count = 2};
    struct conf *conf = conf_load_text("text", text, strlen(text), &options, &found);
    if (!conf)
        conf_report_print(found, CONF_NOTE, stderr);
    CU_ASSERT_PTR_NOT_NULL_FATAL(conf);
    return conf;
}

static char line[TEXT_MAX]; /* the words are in here */
static char problem[CONF_PATH_PROBLEM];

/* Parses the words of `text`, divided by single spaces. */
static bool parse(const struct conf *conf, const char *text, struct conf_path *path)
{
    const char *words[WORDS_MAX] = {line};
    size_t count = *text ? 1 : 0;
    snprintf(line, sizeof line, "%s", text);
    for (char *space = line; (space = strchr(space, ' '));) {
        *space++ = '\0';
        words[count++] = space;
    }
    return conf_path_parse(conf, words, count, path, problem);
}

/* What a text parses to, as "SCOPES|option|words used", or the problem. */
static const char *parsed(const struct conf *conf, const char *text)
{
    static char result[TEXT_MAX];
    struct conf_path path;
    if (!parse(conf, text, &path))
        return problem;
    FILE *out = fmemopen(result, sizeof result, "w");
    conf_path_print(&path, out);
    fprintf(out, "|%s|%zu", path.option ? path.option : "", path.used);
    fclose(out);
    return result;
}

/* The texts of retry_interval, or idle_time, that the levels of a path set, in the order they are asked. */
static const char *levels(const struct conf *conf, const char *text, const char *option)
{
    static char result[TEXT_MAX];
    struct conf_path path;
    struct conf_chain chain;
    if (!parse(conf, text, &path))
        return problem;
    conf_path_chain(conf, &path, &chain);
    result[0] = '\0';
    FILE *out = fmemopen(result, sizeof result, "w");
    for (size_t i = 0; i < chain.count; i++)
        fprintf(out, "%s%s", i ? " " : "", text_of(chain.levels[i], option));
    fclose(out);
    return result;
}

/* ---- words --------------------------------------------------------------------------------------------- */

static void test_scopes_and_options(void)
{
    struct conf *conf = load("");
    static const struct {
        const char *text, *result;
    } cases[] = {
        {"", "||0"},
        {"blackhole", "|blackhole|1"},
        {"BlackHole = true", "|blackhole|2"},
        {"relay_hosts ( 10.0.0.1 10.0.0.2 )", "|relay_hosts|1"},
        {"ESMTP_Listener", "Esmtp_Listener||1"},
        {"ESMTP_Listener Pathway foo", "Esmtp_Listener|pathway|2"},
        {"pathway foo idle_time", "Pathway \"foo\"|idle_time|3"},
        {"ESMTP_Listener Peer 127.0.0.1 Pathway foo", "Esmtp_Listener Peer \"127.0.0.1\"|pathway|4"},
        {"esmtp_listener listen :25 peer 10.0.0.1 smtp_extensions",
         "Esmtp_Listener Listen \":25\" Peer \"10.0.0.1\"|smtp_extensions|6"},
        {"esmtp_listener second idle_time 5", "Esmtp_Listener \"second\"|idle_time|3"},
        {"binding_group group1 binding example domain example.com max_outbound_connections",
         "Binding_Group \"group1\" Binding \"example\" Domain \"example.com\"|max_outbound_connections|7"},
        {"Control_Listener Listen 127.0.0.1:2025 Enable_Authentication",
         "Control_Listener Listen \"127.0.0.1:2025\"|enable_authentication|4"},
        {"ThreadPool accept concurrency 5", "ThreadPool \"accept\"|concurrency|3"},
        {"security user mail", "Security|user|2"},
        {"domain a\"b\\c", "Domain \"a\\\"b\\\\c\"||2"},
        {"writer logs", "writer|logs|2"},
        {"writer first logs = x", "writer \"first\"|logs|4"},
        {"writer enabled", "writer|enabled|2"},
        {"only sync", "only|sync|2"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *result = parsed(conf, cases[i].text);
        CU_ASSERT_STRING_EQUAL(result, cases[i].result);
        if (strcmp(result, cases[i].result) != 0)
            fprintf(stderr, "%s: %s\n", cases[i].text, result);
    }
    conf_drop(conf);
}

/* A name that is also an option's name is the instance, where there is one. */
static void test_instance_named_like_option(void)
{
    struct conf *conf = load("writer \"logs\" { sync = true }");
    CU_ASSERT_STRING_EQUAL(parsed(conf, "writer logs sync"), "writer \"logs\"|sync|3");
    CU_ASSERT_STRING_EQUAL(parsed(conf, "writer sync"), "writer|sync|2");
    conf_drop(conf);
}

/* Modules that are not here: what the manual or the configuration knows of them. */
static void test_unknown_modules(void)
{
    struct conf *conf = load("auth_ds { Scheme \"ecauth\" { Odd = 1\n QueryGroups { Query = \"x\" } } }");
    CU_ASSERT_STRING_EQUAL(parsed(conf, "auth_ds Scheme ecauth Odd"), "auth_ds scheme \"ecauth\"|odd|4");
    CU_ASSERT_STRING_EQUAL(parsed(conf, "auth_ds Scheme ecauth QueryGroups query"),
                           "auth_ds scheme \"ecauth\" querygroups|query|5");
    conf_drop(conf);
}

static void test_problems(void)
{
    struct conf *conf = load("");
    static const struct {
        const char *text, *part;
    } cases[] = {
        {"blackhol", "the scope global has no option or stanza 'blackhol'; did you mean 'blackhole'?"},
        {"binding", "Binding needs a name"},
        {"idle_time", "option 'idle_time' cannot stand in the scope global, only in: "},
        {"domain x listen :25", "stanza 'listen' cannot stand in the scope Domain, only in: "},
        {"esmtp_listener peer ten.example idle_time", "a Peer is an address or a block"},
        {"writer one snyc", "the scope writer has no option or stanza 'snyc'; did you mean 'sync'?"},
        {"esmtp_listener max_mesage_size 3",
         "no option or stanza 'max_mesage_size'; did you mean 'max_message"},
        {"esmtp_listener max_mesage_size",
         "no option or stanza 'max_mesage_size'; did you mean 'max_message"},
        {"only one", "the scope only has no option or stanza 'one'"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *result = parsed(conf, cases[i].text);
        CU_ASSERT_PTR_NOT_NULL(strstr(result, cases[i].part));
        if (!strstr(result, cases[i].part))
            fprintf(stderr, "%s: %s\n", cases[i].text, result);
    }
    conf_drop(conf);
}

static void test_find(void)
{
    struct conf *conf = load("ESMTP_Listener { Listen \":25\" { } }\nbinding_group g { binding Big { } }");
    struct conf_path path;
    CU_ASSERT(parse(conf, "esmtp_listener LISTEN :25", &path));
    CU_ASSERT_PTR_EQUAL(conf_path_find(conf, &path), at(conf, "esmtp_listener", "", "listen", ":25", NULL));
    CU_ASSERT(parse(conf, "binding_group g binding big", &path));
    CU_ASSERT_PTR_NULL(conf_path_find(conf, &path));
    CU_ASSERT(parse(conf, "", &path));
    CU_ASSERT_PTR_EQUAL(conf_path_find(conf, &path), conf_root(conf));
    conf_drop(conf);
}

/* The form of the manual's examples of "config locate". */
static void test_locations(void)
{
    struct conf *conf = load("ESMTP_Listener { Listen \":25\" { } }\n"
                             "Control_Listener { Listen \"/tmp/2025\" { } }\n"
                             "Domain \"/a\\\\.b:/\" { }");
    char text[TEXT_MAX];
    static const struct {
        const char *path, *location;
    } cases[] = {
        {"esmtp_listener listen :25", "Esmtp_Listener::Listen:\\:25:"},
        {"control_listener listen /tmp/2025", "Control_Listener::Listen:/tmp/2025:"},
        {"domain /a\\.b:/", "Domain:/a\\\\.b\\:/:"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct conf_path path;
        FILE *out = fmemopen(text, sizeof text, "w");
        CU_ASSERT(parse(conf, cases[i].path, &path));
        CU_ASSERT_PTR_NOT_NULL_FATAL(conf_path_find(conf, &path));
        conf_path_print_location(conf_path_find(conf, &path), out);
        fclose(out);
        CU_ASSERT_STRING_EQUAL(text, cases[i].location);
    }
    conf_drop(conf);
}

/* ---- levels -------------------------------------------------------------------------------------------- */

static void test_inbound(void)
{
    struct conf *conf = load("Pathway_Group \"all\" { idle_time = 90\n Pathway \"p\" { idle_time = 70 } }\n"
                             "Pathway \"p\" { idle_time = 80 }\n"
                             "ESMTP_Listener {\n"
                             "  idle_time = 60\n"
                             "  Listen \":25\" {\n"
                             "    idle_time = 50\n"
                             "    Peer \"10.0.0.1\" { idle_time = 10 }\n"
                             "    Peer \"10.0.0.0/16\" { idle_time = 30 pathway = p }\n"
                             "  }\n"
                             "  Peer \"10.0.0.0/24\" { idle_time = 20 }\n"
                             "  Peer \"10.0.0.0/8\" { idle_time = 40 }\n"
                             "}\n"
                             "Control_Listener { timeout = 9\n Listen \"/run/c\" { } }\n");
    CU_ASSERT_STRING_EQUAL(levels(conf, "esmtp_listener listen :25 peer 10.0.0.1", "idle_time"),
                           "10 20 30 40 50 60 70 80 90 (unset)");
    CU_ASSERT_STRING_EQUAL(levels(conf, "esmtp_listener listen :25 peer 10.0.0.0/16", "idle_time"),
                           "30 40 50 60 70 80 90 (unset)");
    CU_ASSERT_STRING_EQUAL(levels(conf, "esmtp_listener listen :26 peer 10.0.0.1", "idle_time"),
                           "20 40 60 (unset)");
    CU_ASSERT_STRING_EQUAL(levels(conf, "esmtp_listener peer 10.0.0.9", "idle_time"), "20 40 60 (unset)");
    CU_ASSERT_STRING_EQUAL(levels(conf, "esmtp_listener listen :25", "idle_time"), "50 60 (unset)");
    CU_ASSERT_STRING_EQUAL(levels(conf, "control_listener listen /run/c", "timeout"), "(unset) 9 (unset)");
    CU_ASSERT_STRING_EQUAL(levels(conf, "pathway p", "idle_time"), "70 80 90 (unset)");
    CU_ASSERT_STRING_EQUAL(levels(conf, "pathway_group all pathway p", "idle_time"), "70 80 90 (unset)");
    CU_ASSERT_STRING_EQUAL(levels(conf, "pathway_group all pathway q", "idle_time"), "(unset)");
    CU_ASSERT_STRING_EQUAL(levels(conf, "pathway_group all", "idle_time"), "90 (unset)");
    conf_drop(conf);
}

static void test_outbound(void)
{
    struct conf *conf =
        load("retry_interval = 80\n"
             "binding_group g {\n"
             "  retry_interval = 60\n"
             "  domain d.example { retry_interval = 30 }\n"
             "  binding b { retry_interval = 40\n domain d.example { retry_interval = 10 } }\n"
             "}\n"
             "binding b { retry_interval = 50\n domain d.example { retry_interval = 20 } }\n"
             "domain d.example { retry_interval = 70 }\n"
             "binding default { retry_interval = 99 }\n");
    CU_ASSERT_STRING_EQUAL(levels(conf, "binding_group g binding b domain d.example", "retry_interval"),
                           "10 20 30 40 50 60 70 80");
    CU_ASSERT_STRING_EQUAL(levels(conf, "binding b domain d.example", "retry_interval"),
                           "10 20 30 40 50 60 70 80");
    CU_ASSERT_STRING_EQUAL(levels(conf, "binding_group g domain d.example", "retry_interval"), "30 60 70 80");
    CU_ASSERT_STRING_EQUAL(levels(conf, "binding b domain other.example", "retry_interval"), "40 50 60 80");
    CU_ASSERT_STRING_EQUAL(levels(conf, "domain d.example", "retry_interval"), "70 80");
    CU_ASSERT_STRING_EQUAL(levels(conf, "domain other.example", "retry_interval"), "80");
    CU_ASSERT_STRING_EQUAL(levels(conf, "", "retry_interval"), "80");
    conf_drop(conf);
}

/* A Host falls back to Host stanzas alone ("max_outbound_connections", "outbound_throttle_messages"). */
static void test_hosts(void)
{
    struct conf *conf =
        load("max_outbound_connections = 32\n"
             "host empty.example { }\n"
             "host mx.example { max_outbound_connections = 5 }\n"
             "host \"/example$/\" { max_outbound_connections = 6 }\n"
             "binding b { host mx.example { max_outbound_connections = 3 } }\n"
             "binding_group g {\n"
             "  host mx.example { max_outbound_connections = 2 }\n"
             "  binding b { host mx.example { max_outbound_connections = 1 } max_outbound_connections = 9 }\n"
             "}\n");
    const char *option = "max_outbound_connections";
    CU_ASSERT_STRING_EQUAL(levels(conf, "binding b host mx.example", option), "1 2 3 5 6");
    CU_ASSERT_STRING_EQUAL(levels(conf, "binding_group g host mx.example", option), "2 5 6");
    CU_ASSERT_STRING_EQUAL(levels(conf, "host MX.example", option), "5 6");
    CU_ASSERT_STRING_EQUAL(levels(conf, "host other.test", option), "");

    struct conf_path path;
    struct conf_chain chain;
    CU_ASSERT(parse(conf, "host other.test max_outbound_connections", &path));
    conf_path_chain(conf, &path, &chain);
    CU_ASSERT_STRING_EQUAL(conf_path_value(conf, &path, &chain)->text, "-1");
    CU_ASSERT(parse(conf, "host empty.example max_outbound_connections", &path));
    conf_path_chain(conf, &path, &chain);
    CU_ASSERT_STRING_EQUAL(conf_path_value(conf, &path, &chain)->text, "6");
    conf_drop(conf);
}

static void test_defaults(void)
{
    struct conf *conf = load("ThreadPool a { }");
    static const struct {
        const char *path, *value;
    } cases[] = {
        {"domain x.example max_outbound_connections", "32"},
        {"threadpool a concurrency", "0"},
        {"writer logs", "all"},
        {"writer first sync", "false"},
        {"hostname", NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct conf_path path;
        struct conf_chain chain;
        CU_ASSERT_FATAL(parse(conf, cases[i].path, &path));
        conf_path_chain(conf, &path, &chain);
        const struct conf_value *value = conf_path_value(conf, &path, &chain);
        CU_ASSERT_EQUAL(value != NULL, cases[i].value != NULL);
        if (value && cases[i].value)
            CU_ASSERT_STRING_EQUAL(value->text, cases[i].value);
    }
    conf_drop(conf);
}

/* A Via is asked after the Peers and before the Listen; a Peer in a Via comes before others of its length. */
static void test_vias(void)
{
    struct conf *conf = load("ESMTP_Listener {\n"
                             "  idle_time = 9\n"
                             "  Via \"10.0.0.0/8\" { idle_time = 7 }\n"
                             "  Via \"::/0\" { idle_time = 66 }\n"
                             "  Peer \"192.0.2.0/24\" { idle_time = 3 }\n"
                             "  Listen \":25\" {\n"
                             "    idle_time = 8\n"
                             "    Via \"10.0.0.1\" {\n"
                             "      idle_time = 6\n"
                             "      Peer \"192.0.2.0/24\" { idle_time = 1 }\n"
                             "      Peer \"0.0.0.0/0\" { idle_time = 4 }\n"
                             "    }\n"
                             "    Via \"10.0.0.2\" { Peer \"192.0.2.1\" { idle_time = 99 } }\n"
                             "    Peer \"192.0.2.0/24\" { idle_time = 2 }\n"
                             "    Peer \"0.0.0.0/0\" { idle_time = 5 }\n"
                             "  }\n"
                             "}\n");
    CU_ASSERT_STRING_EQUAL(levels(conf, "esmtp_listener listen :25 via 10.0.0.1 peer 192.0.2.1", "idle_time"),
                           "1 2 3 4 5 6 7 8 9 (unset)");
    CU_ASSERT_STRING_EQUAL(levels(conf, "esmtp_listener listen :25 via 10.0.0.1", "idle_time"),
                           "6 7 8 9 (unset)");
    CU_ASSERT_STRING_EQUAL(levels(conf, "esmtp_listener listen :25 via 10.9.9.9 peer 192.0.2.1", "idle_time"),
                           "2 3 5 7 8 9 (unset)");
    CU_ASSERT_STRING_EQUAL(levels(conf, "esmtp_listener via fd00::1", "idle_time"), "66 9 (unset)");
    CU_ASSERT_STRING_EQUAL(levels(conf, "esmtp_listener listen :25 peer 192.0.2.1", "idle_time"),
                           "2 3 5 8 9 (unset)");
    CU_ASSERT_STRING_EQUAL(parsed(conf, "esmtp_listener via nonsense"),
                           "a Via is an address or a block, such as 10.0.0.0/8 or fd00::/8, not 'nonsense'");
    conf_drop(conf);
}

int main(void)
{
    CU_TestInfo tests[] = {
        {"scopes and options", test_scopes_and_options},
        {"an instance named like an option", test_instance_named_like_option},
        {"modules that are not here", test_unknown_modules},
        {"problems", test_problems},
        {"finding scopes", test_find},
        {"locations", test_locations},
        {"levels inbound", test_inbound},
        {"levels outbound", test_outbound},
        {"levels of hosts", test_hosts},
        {"defaults", test_defaults},
        {"vias", test_vias},
        CU_TEST_INFO_NULL,
    };
    return unit_run("conf path", tests);
}
