/*
 * policy_auth: resolves the authentication options.
 *
 * A mechanism is offered if SMTP_Extensions names it and either its parameters name a password file that it
 * can use, or a module may decide: modules that hook validate_auth see the password of PLAIN and LOGIN.
 */
#include "smtp/server/policy_auth.h"

#include <string.h>
#include "base/mem.h"
#include "policy/fields.h"
#include "sasl/parameters.h"

static const struct policy_field fields[] = {
#define AUTH(field, option, type) POLICY_FIELD(struct auth_policy, field, option, type),
#include "policy/fields_of.h"
};

void auth_policy_read(struct auth_policy *policy, const struct conf_chain *chain)
{
    *policy = (struct auth_policy){0};
    policy_fields_fill(policy, fields, POLICY_FIELD_COUNT(fields), chain);
}

/* Only DIGEST-MD5 can use digests, and records that name a realm. */
const char *auth_policy_file(enum sasl_mechanism mechanism, const struct conf_value *parameters,
                             struct passwords_form *form)
{
    const char *uri = parameters_find(parameters, "uri");
    bool is_digest = mechanism == SASL_DIGEST_MD5;
    bool clear = parameters_is_true(parameters_find(parameters, "stored_cleartext"));
    *form = (struct passwords_form){.hashed = is_digest && !clear};
    if (is_digest && parameters_path(uri, "digest")) {
        form->realms = true;
        return parameters_path(uri, "digest");
    }
    return parameters_path(uri, "file");
}

static void resolve_method(struct auth_method *method, enum sasl_mechanism mechanism, const char *hostname)
{
    struct passwords_form form;
    if (!method->parameters)
        return;
    const char *path = auth_policy_file(mechanism, method->parameters, &form);
    const char *realm = parameters_find(method->parameters, "realm");
    method->uri = parameters_find(method->parameters, "uri");
    method->realm = realm && *realm ? realm : hostname;
    method->log = parameters_is_true(parameters_find(method->parameters, "log_authentication"));
    method->passwords = path ? passwords_open(path, form) : NULL;
}

/* ---- SMTP_Extensions ------------------------------------------------------------------------- */

bool auth_policy_item(const char *item, struct slice *names)
{
    size_t size = strcspn(item, " \t=");
    *names = slice_trim(slice_of(item + size, strlen(item) - size));
    return slice_equal_nocase(slice_of(item, size), SLICE_LITERAL("AUTH"));
}

bool auth_policy_next_name(struct slice *names, struct slice *name)
{
    do {
        size_t size = 0;
        while (size < names->size && !strchr(" \t=,", names->data[size]))
            size++;
        *name = slice_of(names->data, size);
        size += size < names->size;
        *names = slice_of(names->data + size, names->size - size);
    } while (name->size == 0 && names->size > 0);
    return name->size > 0;
}

/* "AUTH" without names stands for all mechanisms that can succeed. */
static unsigned named_by(const char *item)
{
    struct slice names, name;
    unsigned named = 0;
    if (!auth_policy_item(item, &names))
        return 0;
    if (names.size == 0)
        return (1u << SASL_MECHANISMS) - 1;
    while (auth_policy_next_name(&names, &name)) {
        enum sasl_mechanism mechanism;
        if (sasl_mechanism_find(name, &mechanism))
            named |= 1u << mechanism;
    }
    return named;
}

static unsigned resolve_named(const struct conf_value *value)
{
    unsigned named = 0;
    for (size_t i = 0; conf_value_is_set(value) && i < value->count; i++)
        named |= named_by(value->items[i]);
    return named;
}

static bool can_succeed(const struct auth_method *method, enum sasl_mechanism mechanism,
                        const struct module_set *modules)
{
    if (mechanism == SASL_EXTERNAL || method->passwords)
        return true;
    return method->parameters && sasl_is_plain_text(mechanism) && modules &&
           module_set_has_hook(modules, POINT_VALIDATE_AUTH);
}

/* ---- the policy ------------------------------------------------------------------------------ */

struct auth_policy *auth_policy_create(const struct conf_chain *chain, const struct module_set *modules,
                                       const char *hostname)
{
    struct auth_policy *policy = mem_new(struct auth_policy);
    auth_policy_read(policy, chain);
    unsigned named = resolve_named(policy->named_extensions);
    for (size_t i = 0; i < SASL_MECHANISMS; i++) {
        enum sasl_mechanism mechanism = (enum sasl_mechanism)i;
        resolve_method(&policy->methods[i], mechanism, hostname);
        if ((named & 1u << i) && can_succeed(&policy->methods[i], mechanism, modules))
            policy->mechanisms |= 1u << i;
    }
    if (policy->mechanisms || policy->required || policy->always_allow)
        return policy;
    auth_policy_free(policy);
    return NULL;
}

void auth_policy_free(struct auth_policy *policy)
{
    if (!policy)
        return;
    for (size_t i = 0; i < SASL_MECHANISMS; i++)
        passwords_close(policy->methods[i].passwords);
    free(policy);
}
