/*
 * policy: resolves inbound options through the fallback into struct esmtp_policy.
 *
 * A table row says which field an option fills and how; adding an option is adding a row.
 */
#include "smtp/server/policy.h"

#include <stddef.h>
#include <stdio.h>
#include <strings.h>
#include <unistd.h>
#include "base/mem.h"
#include "tls/tls.h"
#include "smtp/server/policy_auth.h"
#include "smtp/server/policy_content.h"
#include "smtp/server/policy_tls.h"

enum field_kind { FIELD_TEXT, FIELD_U32, FIELD_U64, FIELD_BOOL };

static const struct field {
    const char *option;
    enum field_kind kind;
    size_t offset;
} fields[] = {
    {"banner_hostname", FIELD_TEXT, offsetof(struct esmtp_policy, banner_hostname)},
    {"received_hostname", FIELD_TEXT, offsetof(struct esmtp_policy, received_hostname)},
    {"static_banner", FIELD_TEXT, offsetof(struct esmtp_policy, static_banner)},
    {"reconfig_message", FIELD_TEXT, offsetof(struct esmtp_policy, reconfig_message)},
    {"pathway", FIELD_TEXT, offsetof(struct esmtp_policy, pathway)},
    {"max_message_size", FIELD_U64, offsetof(struct esmtp_policy, max_message_size)},
    {"max_recipients_per_message", FIELD_U32, offsetof(struct esmtp_policy, max_recipients_per_message)},
    {"max_recipients_per_connection", FIELD_U32,
     offsetof(struct esmtp_policy, max_recipients_per_connection)},
    {"max_receptions_per_connection", FIELD_U32,
     offsetof(struct esmtp_policy, max_receptions_per_connection)},
    {"max_messages_per_connection", FIELD_U32, offsetof(struct esmtp_policy, max_messages_per_connection)},
    {"data_processing_timeout", FIELD_U32, offsetof(struct esmtp_policy, data_processing_timeout)},
    {"proxy_protocol_timeout", FIELD_U32, offsetof(struct esmtp_policy, proxy_protocol_timeout)},
    {"line_length_hard_limit", FIELD_U32, offsetof(struct esmtp_policy, line_length_hard_limit)},
    {"data_buffer_size", FIELD_U32, offsetof(struct esmtp_policy, data_buffer_size)},
    {"domain_for_unqualified_recipient_addresses", FIELD_TEXT,
     offsetof(struct esmtp_policy, recipient_domain)},
    {"domain_for_unqualified_sender_address", FIELD_TEXT, offsetof(struct esmtp_policy, sender_domain)},
    {"always_deny", FIELD_BOOL, offsetof(struct esmtp_policy, always_deny)},
    {"proxy_protocol", FIELD_BOOL, offsetof(struct esmtp_policy, proxy_protocol)},
    {"use_ssl", FIELD_BOOL, offsetof(struct esmtp_policy, use_ssl)},
    {"require_ehlo", FIELD_BOOL, offsetof(struct esmtp_policy, require_ehlo)},
    {"allow_ip_literal", FIELD_BOOL, offsetof(struct esmtp_policy, allow_ip_literal)},
    {"allow_null_envelope_sender", FIELD_BOOL, offsetof(struct esmtp_policy, allow_null_sender)},
    {"allow_trailing_whitespace_in_commands", FIELD_BOOL,
     offsetof(struct esmtp_policy, allow_blanks_in_path)},
    {"rfc2821_allow_whitespace_in_envelope", FIELD_BOOL, offsetof(struct esmtp_policy, allow_blanks_at_end)},
    {"rfc2821_pedantic_address_rules", FIELD_BOOL, offsetof(struct esmtp_policy, pedantic_addresses)},
    {"rfc2822_trace_headers", FIELD_BOOL, offsetof(struct esmtp_policy, add_received)},
    {"tls_verified_peer_can_relay", FIELD_BOOL, offsetof(struct esmtp_policy, verified_peer_can_relay)},
    {"generate_bounces_for_multi_recipient_policy_rejections", FIELD_BOOL,
     offsetof(struct esmtp_policy, bounce_refused_recipients)},
    {"deferred_spool", FIELD_BOOL, offsetof(struct esmtp_policy, deferred_spool)},
};

static void fill_field(struct esmtp_policy *policy, const struct conf_chain *chain, const struct field *field)
{
    void *target = (char *)policy + field->offset;
    int64_t number = field->kind == FIELD_TEXT ? 0 : conf_chain_int(chain, field->option, 0);
    if (number < 0)
        number = 0;
    switch (field->kind) {
    case FIELD_TEXT: {
        const char *text = conf_chain_text(chain, field->option, NULL);
        *(const char **)target = text && *text ? text : NULL;
        break;
    }
    case FIELD_U32:
        *(uint32_t *)target = conf_u32(number);
        break;
    case FIELD_U64:
        *(uint64_t *)target = (uint64_t)number;
        break;
    case FIELD_BOOL:
        *(bool *)target = number != 0;
        break;
    }
}

/* Which extensions SMTP_Extensions names, and those that need no naming: extension.h. */
static unsigned resolve_extensions(const struct conf_chain *chain)
{
    const struct conf_value *value = conf_chain_value(chain, "smtp_extensions");
    return conf_value_is_set(value) ? extensions_resolve(value->items, value->count) : extensions_default();
}

static const char *own_hostname(const struct conf_chain *chain)
{
    static char system_name[256];
    const char *configured = conf_chain_text(chain, "hostname", NULL);
    if (configured && *configured)
        return configured;
    if (!*system_name && (gethostname(system_name, sizeof system_name - 1) < 0 || !*system_name))
        snprintf(system_name, sizeof system_name, "localhost");
    return system_name;
}

/* The group of the chain's pathway. */
static const char *pathway_group_of(const struct conf_chain *chain)
{
    for (size_t i = 0; i < chain->count; i++)
        if (strcmp(conf_scope_kind(chain->levels[i]), "pathway_group") == 0)
            return conf_scope_name(chain->levels[i]);
    return "default";
}

/* client_timeout is KumoMTA's name for the same. */
static uint32_t idle_time_of(const struct conf_chain *chain)
{
    const struct conf_value *timeout = conf_chain_value(chain, "client_timeout");
    return conf_u32(timeout ? timeout->number : conf_chain_int(chain, "idle_time", 0));
}

struct esmtp_policy *esmtp_policy_create(const struct conf_chain *chain, struct module_set *modules,
                                         char *error, size_t error_size)
{
    struct esmtp_policy *policy = mem_new(struct esmtp_policy);
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++)
        fill_field(policy, chain, &fields[i]);
    if (!policy->banner_hostname)
        policy->banner_hostname = own_hostname(chain);
    if (!policy->received_hostname)
        policy->received_hostname = own_hostname(chain);
    if (!policy->reconfig_message)
        policy->reconfig_message = "4.3.2 Reconfiguration in progress";
    if (!policy->pathway)
        policy->pathway = "default";
    policy->idle_time = idle_time_of(chain);
    policy->context = conf_chain_value(chain, "context");
    policy->pathway_group = pathway_group_of(chain);
    policy->extensions = resolve_extensions(chain);
    if (policy->max_recipients_per_message == 0 || policy->max_recipients_per_message > RECIPIENTS_MAX)
        policy->max_recipients_per_message = RECIPIENTS_MAX;
    policy->auth = auth_policy_create(chain, modules, own_hostname(chain));
    policy->batch_by_domain =
        strcasecmp(conf_chain_text(chain, "batch_handling", ""), "batch_by_domain") == 0;
    bool good = policy_content_resolve(policy, chain, error, error_size) &&
                policy_tls_resolve(policy, chain, own_hostname(chain), error, error_size);
    if (good && modules)
        policy->modules = imp_policy_create(modules, chain, error, error_size);
    if (!good || (modules && !policy->modules)) {
        esmtp_policy_free(policy);
        return NULL;
    }
    return policy;
}

void esmtp_policy_free(struct esmtp_policy *policy)
{
    if (!policy)
        return;
    tls_context_unref(policy->tls);
    if (policy->modules)
        imp_policy_free(policy->modules);
    auth_policy_free(policy->auth);
    policy_content_release(policy);
    free(policy);
}
