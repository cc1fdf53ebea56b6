/*
 * policy_tls: resolves the tls_* options through the fallback into a context that all policies with the same
 * settings share.
 */
#include "smtp/server/policy_tls.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include "base/mem.h"
#include "policy/fields.h"
#include "tls/tls.h"
#include "smtp/server/extension.h"

static const struct policy_field fields[] = {
#define TLS(field, option, type) POLICY_FIELD(struct tls_settings, field, option, type),
#include "policy/fields_of.h"
};

/* Prepends the place of the option with which the error text begins. */
static void add_place(const struct conf_chain *chain, char *error, size_t error_size)
{
    char option[64];
    size_t size = strcspn(error, ":");
    if (size >= sizeof option)
        return;
    memcpy(option, error, size);
    option[size] = 0;
    const struct conf_value *value = conf_chain_value(chain, option);
    if (!conf_value_is_set(value))
        return;
    char *line = mem_dup(error);
    snprintf(error, error_size, "%s:%u:%u: %s", value->place.file, value->place.line, value->place.column,
             line);
    free(line);
}

bool policy_tls_resolve(struct esmtp_policy *policy, const struct conf_chain *chain, const char *hostname,
                        char *error, size_t error_size)
{
    if (policy->use_ssl)
        policy->extensions &= ~(unsigned)EXTENSION_STARTTLS;
    if (!policy->use_ssl && !(policy->extensions & EXTENSION_STARTTLS))
        return true;
    struct tls_settings settings = {.hostname = hostname};
    policy_fields_fill(&settings, fields, POLICY_FIELD_COUNT(fields), chain);
    if (settings.engine == TLS_ENGINE_GNUTLS)
        settings.ciphers = NULL; /* OpenSSL cannot read GnuTLS strings (Momentum 4 manual, tls_ciphers) */
    policy->tls = tls_context_create(&settings, error, error_size);
    if (!policy->tls)
        add_place(chain, error, error_size);
    return policy->tls != NULL;
}
