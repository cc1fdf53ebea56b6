/*
 * Scopes: every kind of stanza, the ways to open one, and how they nest. Each row of a table is a scope and
 * what an option is in it.
 */
#include "conf_harness.h"

/* A scope by its path: "binding_group=one|binding=two", a kind alone where there is no name. */
static const struct conf_scope *scope_at(const struct conf *conf, const char *path)
{
    const struct conf_scope *scope = conf_root(conf);
    while (scope && *path) {
        char kind[100], name[100];
        size_t size = strcspn(path, "|"), kind_size = strcspn(path, "=|");
        size_t name_at = kind_size < size ? kind_size + 1 : size;
        snprintf(kind, sizeof kind, "%.*s", (int)kind_size, path);
        snprintf(name, sizeof name, "%.*s", (int)(size - name_at), path + name_at);
        scope = conf_scope_find(scope, kind, name);
        path += size + (path[size] == '|');
    }
    return scope;
}

struct row {
    const char *path, *option, *text; /* of a list or dictionary: its items with blanks between them */
};

static void join(const struct conf_value *value, char *text, size_t size)
{
    size_t texts = value->type == CONF_DICT ? 2 * value->count : value->count, used = 0;
    snprintf(text, size, "%s", value->text);
    for (size_t i = 0; i < texts && used < size; i++)
        used += (size_t)snprintf(text + used, size - used, "%s%s", i ? " " : "", value->items[i]);
}

/* Loads a file of tests/conf, which must be without an error, and looks at every row. */
static void check(const char *file, const struct row *rows, size_t count)
{
    struct conf *conf = conf_of_file(file);
    CU_ASSERT_EQUAL(conf_report_errors(found), 0);
    CU_ASSERT_PTR_NOT_NULL_FATAL(conf);
    for (size_t i = 0; i < count; i++) {
        char text[300] = "(unset)";
        const struct conf_scope *scope = scope_at(conf, rows[i].path);
        const struct conf_value *value = scope ? conf_scope_value(scope, rows[i].option) : NULL;
        if (value)
            join(value, text, sizeof text);
        bool good = strcmp(text, rows[i].text) == 0;
        if (!good)
            fprintf(stderr, "%s %s: %s\n", rows[i].path, rows[i].option, scope ? text : "(no such scope)");
        CU_ASSERT(good);
    }
    conf_drop(conf);
}

#define CHECK(file, rows) check(file, rows, sizeof(rows) / sizeof *(rows))

static void test_every_scope(void)
{
    static const struct row rows[] = {
        {"security", "capabilities", "cap_net_raw+ep"},
        {"security", "supplemental_groups", "adm"},
        {"threadpool=cpu", "stack_size", "256k"},
        {"eventloop=smtp_pool", "concurrency", "2"},
        {"debug_flags", "error", "ALL"},
        {"debug_flags", "debug", "DNS SMTP"},
        {"logs", "dir_mode", "0755"},
        {"logs|manager=mgr", "subscriber", "mainlog"},
        {"logs|manager=mgr|node=one", "subscriber", "rejectlog"},
        {"cluster", "cluster_group", "ec_cluster"},
        {"cluster", "logs", "mainlog /var/log/mainlog.cluster rejectlog /var/log/rejectlog.cluster"},
        {"cluster|topology=10.1.1.0/24", "interface", "eth1"},
        {"snmp", "address", "127.0.0.1:8162"},
        {"snmp_traps", "watch_variables", "GlobalMailQueue 20000 ActiveQueue 10000"},
        {"snmp_traps|destination=192.0.2.2:162", "community", "Public"},
        {"authorization|role=john", "allow", "^config"},
        {"authorization|role=admin", "allow", "^config ^summary$"},
        {"adaptive_sweep_rule=fbl", "high_action", "suspend 4 hours"},
        {"domain=example.com", "retry_interval", "10"},
        {"binding=blue", "bind_address", "192.0.2.1"},
        {"binding=blue|host=mx.example.net", "max_outbound_connections", "3"},
        {"binding_group=colours", "max_outbound_connections", "4"},
        {"host=mx.example.com", "max_outbound_connections", "2"},
        {"pathway=campus", "max_message_size", "1k"},
        {"pathway_group=sites|pathway=branch", "idle_time", "8"},
        {"esmtp_listener|peer=10.0.0.0/8", "idle_time", "7"},
        {"esmtp_listener|listen=:25", "pathway", "campus"},
        {"esmtp_listener|listen=:25|peer=fd00:0::/8", "idle_time", "6"},
        {"esmtp_listener|listen=/run/impulse/smtp", "file_mode", "0600"},
        {"control_listener", "authdigestmd5parameters", "uri digest:///etc/passwd"},
        {"control_listener|listen=/tmp/2025", "enable_authentication", "false"},
        {"control_listener|listen=127.0.0.1:2025|peer=127.0.0.1", "always_deny", "false"},
    };
    static const char *const empty[] = {
        "cluster|replicate=inbound_cidr",    "cluster|replicate=outbound_cidr",
        "binding_group=colours|binding=red", "binding_group=colours|host=mx.example.net",
        "esmtp_listener|listen=[::1]:25",    "http_listener=second|listen=*:2081",
        "ecstream_listener|listen=:1825",    "xmpp_listener|listen=:5269",
        "eccluster_listener|listen=*:4802",  "msgcserver_listener|listen=[*]:4809",
    };
    CHECK("scopes.conf", rows);
    struct conf *conf = conf_of_file("scopes.conf");
    CU_ASSERT_PTR_NOT_NULL_FATAL(conf);
    for (size_t i = 0; i < sizeof empty / sizeof *empty; i++)
        CU_ASSERT_PTR_NOT_NULL(scope_at(conf, empty[i]));
    conf_drop(conf);
}

static void test_nesting(void)
{
    static const struct row rows[] = {
        {"", "max_outbound_connections", "1"},
        {"domain=example.com", "max_outbound_connections", "2"},
        {"host=mx.example.com", "max_outbound_connections", "3"},
        {"binding=alone", "max_outbound_connections", "4"},
        {"binding=alone|domain=example.com", "max_outbound_connections", "5"},
        {"binding=alone|host=mx.example.com", "max_outbound_connections", "6"},
        {"binding_group=group", "max_outbound_connections", "7"},
        {"binding_group=group|domain=example.com", "max_outbound_connections", "8"},
        {"binding_group=group|host=mx.example.com", "max_outbound_connections", "9"},
        {"binding_group=group|binding=inner", "max_outbound_connections", "10"},
        {"binding_group=group|binding=inner|domain=example.com", "max_outbound_connections", "11"},
        {"binding_group=group|binding=inner|host=mx.example.com", "max_outbound_connections", "12"},
        {"binding_group=group|binding=second|domain=other.example", "max_outbound_connections", "13"},
    };
    static const struct {
        const char *binding, *domain;
        int64_t limit;
    } effective[] = {
        {"", "nowhere.example", 1},    {"", "example.com", 2},           {"alone", "nowhere.example", 4},
        {"alone", "example.com", 5},   {"inner", "example.com", 11},     {"inner", "nowhere.example", 10},
        {"second", "example.com", 8},  {"second", "nowhere.example", 7}, {"second", "other.example", 13},
        {"unknown", "example.com", 2},
    };
    CHECK("nesting.conf", rows);
    struct conf *conf = conf_of_file("nesting.conf");
    CU_ASSERT_PTR_NOT_NULL_FATAL(conf);
    for (size_t i = 0; i < sizeof effective / sizeof *effective; i++) {
        struct conf_chain chain;
        conf_chain_outbound(&chain, conf, effective[i].binding, effective[i].domain);
        CU_ASSERT_EQUAL(conf_chain_int(&chain, "max_outbound_connections"), effective[i].limit);
    }
    conf_drop(conf);
}

/* What stands in the stanza of a module that is not there may have any name. */
static void test_long_kinds(void)
{
    char kind[301], upper[301], text[400];
    memset(kind, 'k', 300);
    memset(upper, 'K', 300);
    kind[300] = upper[300] = '\0';
    snprintf(text, sizeof text, "scriptlet s { %s \"n\" { x = 1 } }", kind);
    struct conf *conf = conf_of(text);
    CU_ASSERT_PTR_NOT_NULL_FATAL(conf);
    const struct conf_scope *scriptlet = conf_scope_find(conf_root(conf), "scriptlet", "s");
    CU_ASSERT_PTR_NOT_NULL_FATAL(scriptlet);
    const struct conf_scope *child = conf_scope_next(scriptlet, NULL, NULL);
    CU_ASSERT_PTR_NOT_NULL_FATAL(child);
    CU_ASSERT_PTR_EQUAL(conf_scope_find(scriptlet, kind, "n"), child);
    CU_ASSERT_PTR_EQUAL(conf_scope_find(scriptlet, upper, "n"), child);
    CU_ASSERT_PTR_NULL(conf_scope_find(scriptlet, kind + 1, "n"));
    conf_drop(conf);
}

static void test_heads(void)
{
    static const struct row rows[] = {
        {"security", "user", "one"},
        {"domain=equals.example", "retry_interval", "1"},
        {"domain=bare.example", "retry_interval", "2"},
        {"domain=quoted.example", "retry_interval", "3"},
        {"domain=next.line.example", "retry_interval", "4"},
        {"domain=later.example", "retry_interval", "5"},
        {"", "retry_interval", "6"},
        {"domain=include", "retry_interval", "7"},
    };
    CHECK("heads.conf", rows);
    struct conf *conf = conf_of_file("heads.conf");
    CU_ASSERT_EQUAL(conf_scope_value_count(conf_root(conf)), 1); /* what opened a stanza was no assignment */
    CU_ASSERT_EQUAL(conf_scope_place(scope_at(conf, "domain=later.example")).line, 11);
    CU_ASSERT_EQUAL(conf_scope_place(scope_at(conf, "domain=later.example")).column, 1);
    conf_drop(conf);
}

static void test_patterns(void)
{
    static const struct row rows[] = {
        {"domain=/^plain.example$/", "retry_interval", "5"},
        {"domain=/^mx[0-9]{2,3}\\.example[.]net$/", "retry_interval", "4"},
        {"", "match_cache_size", "1000"},
        {"", "match_cache_life", "30"},
    };
    static const struct {
        const char *domain;
        int64_t interval;
    } effective[] = {
        {"quoted.example.org", 1}, {"QUOTED.example.com", 1}, {"bare.example.com", 2},
        {"bare.example.net", 0},   {"close.two.example", 3},  {"mx10.example.net", 4},
        {"mx1.example.net", 0},    {"mx1000.example.net", 0}, {"plain.example", 5},
        {"a.wild.example", 6},     {"wild.example", 0},       {"a.b.wild.example", 6},
    };
    CHECK("patterns.conf", rows);
    struct conf *conf = conf_of_file("patterns.conf");
    for (size_t i = 0; i < sizeof effective / sizeof *effective; i++) {
        struct conf_chain chain;
        conf_chain_outbound(&chain, conf, NULL, effective[i].domain);
        const struct conf_value *value = conf_chain_value(&chain, "retry_interval");
        int64_t expected = effective[i].interval ? effective[i].interval : 1200; /* the default */
        if (!value || value->number != expected)
            fprintf(stderr, "%s: %s\n", effective[i].domain, value ? value->text : "nothing");
        CU_ASSERT(value && value->number == expected);
    }
    conf_drop(conf);
}

static void test_arrays(void)
{
    static const struct row rows[] = {
        {"", "relay_hosts", "10.0.0.0/8 ::1 192.0.2.1"},
        {"", "bounce_domains", "one.example two.example three.example"},
        {"", "relay_domains", "only.example"},
        {"", "hot_domains", ""},
        {"", "exclude_vctx_conn", "a b c d e f"},
        {"domain=x", "routes", "smtp://a.example smtp://b.example:2525"},
    };
    CHECK("arrays.conf", rows);
}

static void test_booleans(void)
{
    struct conf *conf = conf_of_file("booleans.conf");
    const struct conf_scope *domain = NULL;
    unsigned seen = 0;
    CU_ASSERT_PTR_NOT_NULL_FATAL(conf);
    CU_ASSERT_EQUAL(conf_report_count(found), 0);
    for (; (domain = conf_scope_next(conf_root(conf), "domain", domain)); seen++) {
        const struct conf_value *value = conf_scope_value(domain, "suspend_delivery");
        CU_ASSERT(value && value->type == CONF_BOOL && value->number == (seen < 6));
    }
    CU_ASSERT_EQUAL(seen, 12);
    conf_drop(conf);
}

static void test_numbers(void)
{
    static const struct {
        const char *path, *option;
        int64_t number;
        double seconds;
    } rows[] = {
        {"", "spool_mode", 0640, 0},
        {"", "trace_smtp_mode", 0600, 0},
        {"", "tcp_buffer_size", 65536, 0},
        {"", "growbuf_size", 16384, 0},
        {"", "large_message_threshold", 2 * 1024 * 1024, 0},
        {"", "legacy_message_threshold", 1024 * 1024 * 1024, 0},
        {"", "remote_smtp_port", 2525, 0},
        {"", "max_retries", -2, 0},
        {"", "gcm_ttl", -1, 0},
        {"", "max_retry_interval", 43200, 43200},
        {"", "outbound_throttle_messages", 100, 1},
        {"domain=window.example", "outbound_throttle_messages", 100, 60},
        {"domain=bare.example", "outbound_throttle_messages", 100, 60},
        {"domain=none.example", "outbound_throttle_messages", 0, 1},
        {"domain=part.example", "outbound_throttle_connections", 5, 0.5},
        {"esmtp_listener", "idle_time", 1, 1.5},
    };
    struct conf *conf = conf_of_file("numbers.conf");
    CU_ASSERT_PTR_NOT_NULL_FATAL(conf);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const struct conf_value *value = conf_scope_value(scope_at(conf, rows[i].path), rows[i].option);
        bool good = value && value->number == rows[i].number && value->seconds == rows[i].seconds;
        if (!good)
            fprintf(stderr, "%s %s\n", rows[i].path, rows[i].option);
        CU_ASSERT(good);
    }
    conf_drop(conf);
}

int main(void)
{
    CU_TestInfo tests[] = {
        {"every kind of stanza", test_every_scope},
        {"permutations", test_nesting},
        {"ways to open a stanza", test_heads},
        {"regular expressions and wildcards", test_patterns},
        {"arrays", test_arrays},
        {"booleans", test_booleans},
        {"numbers", test_numbers},
        {"kinds of any length", test_long_kinds},
        CU_TEST_INFO_NULL,
    };
    return unit_run("scopes", tests);
}
