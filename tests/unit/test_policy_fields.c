/*
 * Options in one row: what a struct has when nothing is set is what the row of each option says, and a value
 * that is set arrives in its field, whatever the type.
 */
#include "policy/fields.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include "base/mem.h"
#include "control/control_options.h"
#include "daemon/daemon_settings.h"
#include "module/set.h"
#include "policy/policy_table.h"
#include "policy/listen_options.h"
#include "queue/generation.h"
#include "sasl/sasl.h"
#include "smtp/server/policy.h"
#include "smtp/server/policy_auth.h"
#include "throttle/inbound_limits.h"
#include "tls/tls.h"
#include "unit.h"

static struct conf *load(const char *text)
{
    struct conf_report *report;
    struct conf_load_options options = {0};
    struct conf *conf = conf_load_text("test.conf", text, strlen(text), &options, &report);
    conf_report_print(report, CONF_ERROR, stderr);
    conf_report_free(report);
    CU_ASSERT_PTR_NOT_NULL_FATAL(conf);
    return conf;
}

/* The chain of the first Listen, or the global scope alone. */
static void chain_of(struct conf_chain *chain, const struct conf *conf)
{
    const struct conf_scope *listener = conf_scope_next(conf_root(conf), "esmtp_listener", NULL);
    if (listener)
        conf_chain_inbound(chain, conf, listener, conf_scope_next(listener, "listen", NULL), NULL);
    else
        conf_chain_global(chain, conf);
}

/* ---- defaults --------------------------------------------------------------------------------------------
 */

/* What a field of that kind has, as a number; NULL texts and values are -1. */
static int64_t number_in(const void *holder, const struct policy_field *field)
{
    const void *at = (const char *)holder + field->offset;
    switch (field->store) {
    case STORE_BOOL:
        return *(const bool *)at;
    case STORE_U16:
        return *(const uint16_t *)at;
    case STORE_INT:
        return *(const int *)at;
    case STORE_UNSIGNED:
    case STORE_CHOICE:
        return *(const unsigned *)at;
    case STORE_I64:
        return *(const int64_t *)at;
    case STORE_U64:
        return (int64_t) * (const uint64_t *)at;
    case STORE_SETTING:
        return ((const struct policy_setting *)at)->value ? ((const struct policy_setting *)at)->value->number
                                                          : 0;
    default:
        return -1;
    }
}

/* Which of the row's choices its default is, from 1; 0: it has none. */
static int64_t position_of_default(const struct conf_option *row)
{
    int64_t position = 0;
    for (const char *choice = row->choices; row->default_text && choice; choice = strchr(choice, '|')) {
        choice += *choice == '|';
        position++;
        if (strncmp(choice, row->default_text, strcspn(choice, "|")) == 0)
            return position;
    }
    return 0;
}

/* The number that the row's default is written as. */
static int64_t number_of_default(const struct conf_option *row)
{
    if (!row->default_text)
        return 0;
    if (row->type == CONF_BOOL)
        return strcmp(row->default_text, "true") == 0;
    if (row->type == CONF_ENUM)
        return position_of_default(row);
    const char *word = row->choices ? strstr(row->choices, row->default_text) : NULL;
    if (word && word[strlen(row->default_text)] == '=') /* "auto=-2" */
        return strtoll(word + strlen(row->default_text) + 1, NULL, 10);
    return strtoll(row->default_text, NULL, row->type == CONF_MODE ? 8 : 10);
}

static void check_default(const void *holder, const struct policy_field *field)
{
    const struct conf_option *row = conf_option_find(field->option);
    const char *const *text = (const char *const *)(const void *)((const char *)holder + field->offset);
    bool fine = true;
    CU_ASSERT_PTR_NOT_NULL_FATAL(row);
    if (field->store == STORE_TEXT && row->default_text)
        fine = *text && strncmp(*text, row->default_text + (*row->default_text == '"'), strlen(*text)) == 0;
    else if (field->store == STORE_VALUE && row->default_text)
        fine = !conf_value_is_set(*(const struct conf_value *const *)(const void *)text);
    else if (field->store == STORE_TEXT || field->store == STORE_VALUE)
        fine = !*text && !row->default_text;
    else
        fine = number_in(holder, field) == number_of_default(row);
    if (!fine)
        fprintf(stderr, "\n%s: its default is not that of its row\n", field->option);
    CU_ASSERT(fine);
}

static void check_defaults(const void *holder, const struct policy_field *fields, size_t count)
{
    CU_ASSERT(count > 0);
    for (size_t i = 0; i < count; i++)
        check_default(holder, &fields[i]);
}

/* Everything that a struct's table fills, from an empty configuration. */
#define CHECK_TABLE(type, fields)                                                                            \
    do {                                                                                                     \
        struct type holder;                                                                                  \
        memset(&holder, 0xa5, sizeof holder);                                                                \
        policy_fields_fill(&holder, fields, POLICY_FIELD_COUNT(fields), &chain);                             \
        check_defaults(&holder, fields, POLICY_FIELD_COUNT(fields));                                         \
    } while (0)

static const struct policy_field esmtp_fields[] = {
#define ESMTP(field, option, type) POLICY_FIELD(struct esmtp_policy, field, option, type),
#include "policy/fields_of.h"
};
static const struct policy_field auth_fields[] = {
#define AUTH(field, option, type) POLICY_FIELD(struct auth_policy, field, option, type),
#include "policy/fields_of.h"
};
static const struct policy_field tls_fields[] = {
#define TLS(field, option, type) POLICY_FIELD(struct tls_settings, field, option, type),
#include "policy/fields_of.h"
};
static const struct policy_field socket_fields[] = {
#define SOCKET(field, option, type) POLICY_FIELD(struct listener_settings, field, option, type),
#include "policy/fields_of.h"
};
static const struct policy_field queue_fields[] = {
#define QUEUE(field, option, type) POLICY_FIELD(struct queue_settings, field, option, type),
#include "policy/fields_of.h"
};
static const struct policy_field listen_fields[] = {
#define LISTEN(field, option, type) POLICY_FIELD(struct listen_options, field, option, type),
#include "policy/fields_of.h"
};
static const struct policy_field limit_fields[] = {
#define LIMITS(field, option, type) POLICY_FIELD(struct inbound_limits, field, option, type),
#include "policy/fields_of.h"
};
static const struct policy_field console_fields[] = {
#define CONSOLE(field, option, type) POLICY_FIELD(struct control_options, field, option, type),
#include "policy/fields_of.h"
};
static const struct policy_field hook_fields[] = {
#define HOOKS(field, option, type) POLICY_FIELD(struct hook_limits, field, option, type),
#include "policy/fields_of.h"
};
static const struct policy_field spool_fields[] = {
#define SPOOL(field, option, type) POLICY_FIELD(struct spool_settings, field, option, type),
#include "policy/fields_of.h"
};
static const struct policy_field resolver_fields[] = {
#define RESOLVER(field, option, type) POLICY_FIELD(struct resolver_settings, field, option, type),
#include "policy/fields_of.h"
};
static const struct policy_field daemon_fields[] = {
#define DAEMON(field, option, type) POLICY_FIELD(struct daemon_settings, field, option, type),
#include "policy/fields_of.h"
};

static void test_table_defaults(void)
{
    struct conf *conf = load("");
    struct conf_chain chain;
    conf_chain_global(&chain, conf);
    CHECK_TABLE(esmtp_policy, esmtp_fields);
    CHECK_TABLE(auth_policy, auth_fields);
    CHECK_TABLE(tls_settings, tls_fields);
    CHECK_TABLE(listener_settings, socket_fields);
    CHECK_TABLE(queue_settings, queue_fields);
    CHECK_TABLE(listen_options, listen_fields);
    CHECK_TABLE(inbound_limits, limit_fields);
    CHECK_TABLE(control_options, console_fields);
    CHECK_TABLE(hook_limits, hook_fields);
    CHECK_TABLE(spool_settings, spool_fields);
    CHECK_TABLE(resolver_settings, resolver_fields);
    CHECK_TABLE(daemon_settings, daemon_fields);
    conf_unref(conf);
}

/* Does the code between the table and its user change a default? Only where this says so. */
static bool follows_from_something_else(const char *option)
{
    static const char *const options[] = {
        "banner_hostname",
        "received_hostname",          /* hostname */
        "pathway",                    /* "default" */
        "max_recipients_per_message", /* 0: as many as memory is for */
        "bind_address",               /* "*": NULL */
    };
    for (size_t i = 0; i < sizeof options / sizeof *options; i++)
        if (strcmp(options[i], option) == 0)
            return true;
    return false;
}

static void test_resolved_defaults(void)
{
    char error[200] = "";
    struct esmtp_policy_making making = {NULL, error, sizeof error};
    struct conf *conf = load("");
    struct conf_chain chain;
    conf_chain_global(&chain, conf);
    struct esmtp_policy *policy = esmtp_policy_kind.make(&chain, &making);
    CU_ASSERT_PTR_NOT_NULL_FATAL(policy);
    for (size_t i = 0; i < POLICY_FIELD_COUNT(esmtp_fields); i++)
        if (!follows_from_something_else(esmtp_fields[i].option))
            check_default(policy, &esmtp_fields[i]);
    esmtp_policy_kind.release(policy);
    conf_unref(conf);
}

static void test_resolved_queue_defaults(void)
{
    struct conf *conf = load("");
    char directory[UNIT_PATH_SIZE], error[200];
    unit_directory(directory);
    struct manifest_set *manifests = manifest_set_read(directory, error, sizeof error);
    struct module_set *modules = module_set_load(conf, manifests, NULL, error, sizeof error);
    CU_ASSERT_PTR_NOT_NULL_FATAL(modules);
    struct generation *generation = generation_create(conf, modules);
    const struct queue_settings *settings =
        generation_settings(generation, SLICE_LITERAL("default"), SLICE_LITERAL("example.com"));
    for (size_t i = 0; i < POLICY_FIELD_COUNT(queue_fields); i++)
        if (!follows_from_something_else(queue_fields[i].option))
            check_default(settings, &queue_fields[i]);
    generation_unref(generation);
    module_set_unref(modules);
    manifest_set_free(manifests);
    unit_directory_remove(directory);
    conf_unref(conf);
}

/* A setting says which level of the chain it comes from; an overlay leaves what the scope does not set. */
static void test_who_sets_it(void)
{
    struct conf *conf = load("ESMTP_Listener {\n"
                             "  Listen \":25\" { listener_sessions = 9 }\n"
                             "  listener_sessions = 8\n"
                             "}\n"
                             "ThreadPool \"Unlink\" { stack_size = 1m }\n");
    static const struct policy_field pool_fields[] = {
#define POOL(field, option, type) POLICY_FIELD(struct pool_settings, field, option, type),
#include "policy/fields_of.h"
    };
    struct conf_chain chain;
    struct inbound_limits limits;
    struct pool_settings pool = {.name = "Unlink", .concurrency = 6, .backlog = 100};
    chain_of(&chain, conf);
    inbound_limits_fill(&limits, &chain);
    CU_ASSERT_EQUAL(limits.listener_sessions.level, 0);
    CU_ASSERT_EQUAL(limits.listener_sessions.value->number, 9);
    CU_ASSERT_EQUAL(limits.service_sessions.level, chain.count);
    CU_ASSERT_EQUAL(limits.service_sessions.value->number, 0);
    CU_ASSERT_EQUAL(limits.messages.level, chain.count);
    CU_ASSERT_PTR_NULL(limits.messages.value);
    const struct conf_scope *stanza = conf_scope_find(conf_root(conf), "threadpool", "Unlink");
    policy_fields_overlay(&pool, pool_fields, POLICY_FIELD_COUNT(pool_fields), conf, stanza);
    CU_ASSERT_EQUAL(pool.stack_size, 1048576);
    CU_ASSERT_EQUAL(pool.concurrency, 6);
    CU_ASSERT_EQUAL(pool.backlog, 100);
    policy_fields_overlay(&pool, pool_fields, POLICY_FIELD_COUNT(pool_fields), conf, NULL);
    CU_ASSERT_EQUAL(pool.backlog, 100);
    conf_unref(conf);
}

/* ---- values ----------------------------------------------------------------------------------------------
 */

static void test_values_arrive(void)
{
    struct conf *conf = load("ESMTP_Listener {\n"
                             "  Listen \":25\" {\n"
                             "    listen_backlog = 7\n"
                             "    max_message_size = 3g\n"
                             "    proxy_protocol = true\n"
                             "    starttls_injection_policy = allow\n"
                             "    tls_verify_mode = require\n"
                             "    context = [ a = b ]\n"
                             "    banner_hostname = \"\"\n"
                             "  }\n"
                             "  banner_hostname = \"outer.example\"\n"
                             "  reconfig_message = \"\"\n"
                             "}\n"
                             "remote_smtp_port = 2525\n"
                             "max_outbound_connections = -1\n"
                             "max_retries = none\n"
                             "blackhole = internal\n");
    struct conf_chain chain;
    struct esmtp_policy policy;
    struct tls_settings tls;
    struct listener_settings socket = {.concurrency = 3};
    struct queue_settings queue;
    chain_of(&chain, conf);
    policy_fields_fill(&policy, esmtp_fields, POLICY_FIELD_COUNT(esmtp_fields), &chain);
    policy_fields_fill(&tls, tls_fields, POLICY_FIELD_COUNT(tls_fields), &chain);
    policy_fields_fill(&queue, queue_fields, POLICY_FIELD_COUNT(queue_fields), &chain);
    listen_socket_fill(&socket, &chain);
    CU_ASSERT_EQUAL(socket.backlog, 7);
    CU_ASSERT_EQUAL(socket.concurrency, 3); /* no option's field */
    CU_ASSERT_EQUAL(policy.max_message_size, UINT64_C(3) << 30);
    CU_ASSERT(policy.proxy_protocol);
    CU_ASSERT_EQUAL(policy.starttls_injection, STARTTLS_ALLOW);
    CU_ASSERT_EQUAL(policy.context->count, 1);
    CU_ASSERT_PTR_NULL(policy.banner_hostname); /* "" of the Listen counts: it is not set */
    CU_ASSERT_STRING_EQUAL(policy.reconfig_message, "4.3.2 Reconfiguration in progress");
    CU_ASSERT_EQUAL(tls.verify_mode, TLS_VERIFY_REQUIRE);
    CU_ASSERT_EQUAL(queue.remote_smtp_port, 2525);
    CU_ASSERT_EQUAL(queue.max_outbound_connections, UINT_MAX);
    CU_ASSERT_EQUAL(queue.max_retries, QUEUE_RETRIES_NONE);
    CU_ASSERT_EQUAL(queue.blackhole, BLACKHOLE_INTERNAL);
    conf_unref(conf);
}

struct counts {
    int made, released;
} counts;

static void *count_made(const struct conf_chain *chain, void *closure)
{
    counts.made++;
    return conf_chain_int(chain, "retry_interval") == 13 ? NULL : mem_dup(closure);
}

static void count_released(void *policy)
{
    counts.released++;
    free(policy);
}

static void *ask(struct policy_table *table, const struct conf *conf, const char *domain)
{
    struct conf_chain chain;
    conf_chain_outbound(&chain, conf, NULL, domain);
    return policy_table_find(table, &chain, "made");
}

/* Chains whose levels set the same have one policy, whatever the levels are called. */
static void test_sharing(void)
{
    static const struct policy_kind kind = {count_made, count_released};
    struct conf *conf = load("Domain \"a.example\" { retry_interval = 60 }\n"
                             "Domain \"b.example\" { retry_interval = \"60\" }\n"
                             "Domain \"c.example\" { retry_interval = 61 }\n"
                             "Domain \"bad.example\" { retry_interval = 13 }\n");
    struct policy_table *table = policy_table_create(&kind);
    void *a = ask(table, conf, "a.example");
    CU_ASSERT_PTR_NOT_NULL(a);
    CU_ASSERT_PTR_EQUAL(a, ask(table, conf, "b.example"));
    CU_ASSERT_PTR_NOT_EQUAL(a, ask(table, conf, "c.example"));
    CU_ASSERT_PTR_NOT_EQUAL(a, ask(table, conf, "d.example"));
    CU_ASSERT_PTR_EQUAL(ask(table, conf, "d.example"), ask(table, conf, "e.example"));
    CU_ASSERT_PTR_NULL(ask(table, conf, "bad.example"));
    CU_ASSERT_EQUAL(counts.made, 4);
    policy_table_free(table);
    CU_ASSERT_EQUAL(counts.released, 3);
    conf_unref(conf);
}

int main(void)
{
    CU_TestInfo tests[] = {
        {"defaults: of each table", test_table_defaults},
        {"defaults: of a resolved policy", test_resolved_defaults},
        {"defaults: of a queue", test_resolved_queue_defaults},
        {"who sets it", test_who_sets_it},
        {"values arrive in their fields", test_values_arrive},
        {"what is alike is made once", test_sharing},
        CU_TEST_INFO_NULL,
    };
    return unit_run("policy fields", tests);
}
