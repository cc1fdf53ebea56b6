/*
 * policy: resolves inbound options through the fallback into struct esmtp_policy. Most fields are filled by
 * their rows in options.def. Values that depend on several options, or on the host, are computed here and in
 * policy_*.c.
 */
#include "smtp/server/policy.h"

#include <stdio.h>
#include <string.h>
#include "base/mem.h"
#include "policy/fields.h"
#include "policy/host_name.h"
#include "tls/tls.h"
#include "smtp/server/policy_auth.h"
#include "smtp/server/policy_content.h"
#include "smtp/server/policy_tls.h"

static const struct policy_field fields[] = {
#define ESMTP(field, option, type) POLICY_FIELD(struct esmtp_policy, field, option, type),
#include "policy/fields_of.h"
};

/* Returns the extensions that SMTP_Extensions names and those that are always offered: extension.h. */
static unsigned resolve_extensions(const struct conf_value *value)
{
    return conf_value_is_set(value) ? extensions_resolve(value->items, value->count) : extensions_default();
}

/* Returns the group of the chain's pathway. */
static const char *pathway_group_of(const struct conf_chain *chain)
{
    for (size_t i = 0; i < chain->count; i++)
        if (strcmp(conf_scope_kind(chain->levels[i]), "pathway_group") == 0)
            return conf_scope_name(chain->levels[i]);
    return "default";
}

static void free_policy(void *pointer)
{
    struct esmtp_policy *policy = pointer;
    tls_context_unref(policy->tls);
    if (policy->modules)
        imp_policy_unref(policy->modules);
    auth_policy_free(policy->auth);
    policy_content_release(policy);
    free(policy);
}

/*
 * Fills in values that are not set and have no default in options.def, because they depend on other values.
 */
static void fill_gaps(struct esmtp_policy *policy, const char *hostname)
{
    if (policy->client_timeout) /* KumoMTA's name for idle_time */
        policy->idle_time = conf_u32(policy->client_timeout->number);
    if (!policy->banner_hostname)
        policy->banner_hostname = hostname;
    if (!policy->received_hostname)
        policy->received_hostname = hostname;
    if (!policy->pathway)
        policy->pathway = "default";
    if (policy->max_recipients_per_message == 0 || policy->max_recipients_per_message > RECIPIENTS_MAX)
        policy->max_recipients_per_message = RECIPIENTS_MAX;
}

static void *make_policy(const struct conf_chain *chain, void *closure)
{
    struct esmtp_policy_making *making = closure;
    struct esmtp_policy *policy = mem_new(struct esmtp_policy);
    const char *hostname = policy_host_name(chain->conf);
    policy_fields_fill(policy, fields, POLICY_FIELD_COUNT(fields), chain);
    fill_gaps(policy, hostname);
    policy->pathway_group = pathway_group_of(chain);
    policy->extensions = resolve_extensions(policy->named_extensions);
    policy->auth = auth_policy_create(chain, making->modules, hostname);
    bool good = policy_content_resolve(policy, chain, making->error, making->error_size) &&
                policy_tls_resolve(policy, chain, hostname, making->error, making->error_size);
    if (good && making->modules)
        policy->modules = imp_policy_create(making->modules, chain, making->error, making->error_size);
    if (!good || (making->modules && !policy->modules)) {
        free_policy(policy);
        return NULL;
    }
    return policy;
}

const struct policy_kind esmtp_policy_kind = {make_policy, free_policy};
