/*
 * options: shows the options of its stanza and those of a Listen, Peer, Binding, Domain and Host, and asks wrongly
 * when its option `wrong` says so. Inbound: the reply to RCPT TO:<show@...>. Outbound: its delivery method
 * "show" writes what applies into `file`. Host: after an attempt, what applies to the host is written there.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <impulse/config.h>
#include <impulse/delivery.h>
#include <impulse/hooks.h>

enum { TEXT_MAX = 400 };

enum wrong {
    NOTHING,
    UNKNOWN,
    TYPE,
    POLICY,
    DIRECTION,
    OUTBOUND,
    STANZA,
    OWN,
    VALUE,
    POLICY_VALUE,
    OUTBOUND_VALUE,
    HOST,
    HOST_VALUE
};

struct options {
    struct imp_module *module;
    enum wrong wrong;
    char *file;
};

/* ---- its stanza
 * ---------------------------------------------------------------------------------------------- */

static void show_rules(const struct imp_config *config, char *text, size_t size)
{
    for (const struct imp_config *rule = NULL; (rule = imp_config_stanza(config, "rule", rule));) {
        size_t used = strlen(text);
        snprintf(text + used, size - used, " %s=%d", imp_config_name(rule),
                 (int)imp_config_int(rule, "weight"));
        for (const struct imp_config *when = NULL; (when = imp_config_stanza(rule, "when", when));) {
            used = strlen(text);
            snprintf(text + used, size - used, "/%s:%s", imp_config_name(when), imp_config_text(when, "day"));
        }
    }
}

static void show_stanza(struct imp_module *module, const struct imp_config *config)
{
    char rules[TEXT_MAX] = "";
    const char *b = imp_config_item(config, "own_list", 1), *end = imp_config_item(config, "own_list", 2);
    const char *x = imp_config_lookup(config, "own_pairs", "X"),
               *key = imp_config_key(config, "own_pairs", 0);
    show_rules(config, rules, sizeof rules);
    imp_paniclog(
        module, IMP_NOTICE,
        "stanza: bool=%d int=%lld size=%lld time=%.1f text=%s list=%zu,%s,%s enum=%s,%d pairs=%zu,%s,%s "
        "set=%d,%d rules:%s",
        imp_config_bool(config, "own_bool"), (long long)imp_config_int(config, "own_int"),
        (long long)imp_config_int(config, "own_size"), imp_config_seconds(config, "own_time"),
        imp_config_text(config, "own_text"), imp_config_count(config, "own_list"), b ? b : "-",
        end ? end : "-", imp_config_text(config, "own_enum"), imp_config_choice(config, "own_enum"),
        imp_config_count(config, "own_pairs"), key ? key : "-", x ? x : "-",
        imp_config_is_set(config, "own_int"), imp_config_is_set(config, "own_text"), rules);
}

/* ---- what applies
 * --------------------------------------------------------------------------------------------- */

static void release(void *text)
{
    free(text);
}

/* The same options for a client and for a queue, and one of the core. */
static int keep(struct imp_module *module, struct imp_policy *policy, const char *core)
{
    const char *item = imp_policy_item(policy, "opt_list", 0),
               *x = imp_policy_lookup(policy, "opt_pairs", "x");
    const char *key = imp_policy_key(policy, "opt_pairs", 1);
    char *text = malloc(TEXT_MAX);
    snprintf(text, TEXT_MAX,
             "bool=%d int=%lld size=%lld time=%.1f text=%s list=%zu,%s enum=%s,%d pairs=%zu,%s,%s set=%d "
             "core=%lld",
             imp_policy_bool(policy, "opt_bool"), (long long)imp_policy_int(policy, "opt_int"),
             (long long)imp_policy_int(policy, "opt_size"), imp_policy_seconds(policy, "opt_time"),
             imp_policy_text(policy, "opt_text"), imp_policy_count(policy, "opt_list"), item ? item : "-",
             imp_policy_text(policy, "opt_enum"), imp_policy_choice(policy, "opt_enum"),
             imp_policy_count(policy, "opt_pairs"), key ? key : "-", x ? x : "-",
             imp_policy_is_set(policy, "opt_int"), (long long)imp_policy_int(policy, core));
    imp_policy_set(policy, module, text, release);
    return 0;
}

static int policy(struct imp_module *module, struct imp_policy *policy)
{
    const struct options *options = imp_module_data(module);
    if (options->wrong == POLICY)
        imp_policy_text(policy, "opt_int");
    if (options->wrong == DIRECTION)
        imp_policy_int(policy, "retry_interval_of_nothing");
    if (options->wrong == POLICY_VALUE && imp_policy_int(policy, "opt_int") == 13)
        return imp_policy_error(policy, "opt_int", "%d brings bad luck", 13);
    return keep(module, policy, "idle_time");
}

static int outbound_policy(struct imp_module *module, struct imp_policy *policy)
{
    const struct options *options = imp_module_data(module);
    if (options->wrong == OUTBOUND)
        imp_policy_int(policy, "idle_time");
    if (options->wrong == OUTBOUND_VALUE && imp_policy_int(policy, "opt_int") == 13)
        return imp_policy_error(policy, "opt_int", "%d brings bad luck", 13);
    return keep(module, policy, "retry_interval");
}

static int host_policy(struct imp_module *module, struct imp_policy *policy)
{
    const struct options *options = imp_module_data(module);
    if (options->wrong == HOST)
        imp_policy_int(policy, "retry_interval");
    if (options->wrong == HOST_VALUE && imp_policy_int(policy, "opt_int") == 13)
        return imp_policy_error(policy, "opt_int", "%d brings bad luck", 13);
    return keep(module, policy, "max_outbound_connections");
}

static enum imp_verdict at_rcptto(struct imp_call *call, void *module)
{
    struct imp_session *session = imp_call_session(call);
    const char *text = imp_session_policy(session, module);
    if (strncmp(imp_session_recipient(session), "show@", 5) != 0)
        return IMP_CONT;
    imp_call_reject(call, 550, "5.7.1", text ? text : "nothing is kept");
    return IMP_DONE;
}

static void write_line(const struct options *options, const char *what, size_t size, const char *text)
{
    FILE *out = fopen(options->file, "a");
    if (!out)
        return;
    fprintf(out, "%.*s %s\n", (int)size, what, text ? text : "nothing is kept");
    fclose(out);
}

static enum imp_delivery_result deliver(struct imp_delivery *delivery, char *response, size_t size,
                                        void *closure)
{
    const struct options *options = closure;
    const char *recipient = imp_delivery_recipient(delivery);
    (void)response, (void)size;
    write_line(options, recipient, strlen(recipient), imp_delivery_policy(delivery, options->module));
    return IMP_DELIVERED;
}

static enum imp_verdict at_attempted(struct imp_call *call, void *closure)
{
    const struct options *options = closure;
    const struct imp_moment *moment = imp_call_argument(call);
    if (moment->host.size)
        write_line(options, moment->host.data, moment->host.size,
                   imp_policy_get(moment->host_policy, options->module));
    return IMP_CONT;
}

/* ---- the module
 * ------------------------------------------------------------------------------------------------- */

static int ask_wrongly(const struct imp_config *config, enum wrong wrong)
{
    switch (wrong) {
    case UNKNOWN:
        imp_config_text(config, "nonesuch");
        break;
    case TYPE:
        imp_config_text(config, "own_int");
        break;
    case STANZA:
        imp_config_stanza(config, "ruel", NULL);
        break;
    case OWN:
        imp_config_int(config, "opt_int");
        break;
    case VALUE:
        return imp_config_error(config, "own_text", "\"%s\" is no text", imp_config_text(config, "own_text"));
    default:
        break;
    }
    return 0;
}

static int setup(struct imp_module *module, const struct imp_config *config)
{
    struct options *options = calloc(1, sizeof *options);
    const char *file = imp_config_text(config, "file");
    options->module = module;
    options->wrong = (enum wrong)imp_config_choice(config, "wrong");
    options->file = strdup(file ? file : "/dev/null");
    imp_module_set_data(module, options);
    struct imp_delivery_method show = {
        .size = sizeof show, .name = "show", .deliver = deliver, .closure = options, .pool = NULL};
    show_stanza(module, config);
    if (ask_wrongly(config, options->wrong) != 0 ||
        imp_hook_at(module, "validate_rcptto", at_rcptto, module) != 0 ||
        imp_hook_at(module, "message_attempted", at_attempted, options) != 0 ||
        imp_delivery_method(module, &show) != 0) {
        free(options->file);
        free(options);
        return -1;
    }
    return 0;
}

static void teardown(struct imp_module *module)
{
    struct options *options = imp_module_data(module);
    free(options->file);
    free(options);
}

IMP_MODULE_DEFINE(.name = "options", .description = "Shows its options", .kind = IMP_SINGLETON,
                  .setup = setup, .policy = policy, .outbound_policy = outbound_policy,
                  .host_policy = host_policy, .teardown = teardown);
