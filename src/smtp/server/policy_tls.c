/*
 * policy_tls: the tls_* options, resolved through the fallback into a context that all policies share which
 * ask for the same.
 */
#include "smtp/server/policy_tls.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include "base/mem.h"
#include "tls/tls.h"
#include "smtp/server/extension.h"

/* What a stanza sets, NULL when only options.def's default is there. */
static const char *set_text(const struct conf_chain *chain, const char *option)
{
    const struct conf_value *value = conf_chain_value(chain, option);
    return conf_value_is_set(value) && *value->text ? value->text : NULL;
}

static bool set_true(const struct conf_chain *chain, const char *option)
{
    const struct conf_value *value = conf_chain_value(chain, option);
    return conf_value_is_set(value) && value->number != 0;
}

static enum tls_verify_mode verify_mode(const struct conf_chain *chain)
{
    const char *mode = set_text(chain, "tls_verify_mode");
    if (!mode)
        return TLS_VERIFY_OPTIONAL;
    return strcasecmp(mode, "require") == 0 ? TLS_VERIFY_REQUIRE : TLS_VERIFY_NONE;
}

static enum starttls_injection injection(const struct conf_chain *chain)
{
    const char *policy = conf_chain_text(chain, "starttls_injection_policy", "reject");
    if (strcasecmp(policy, "ignore") == 0)
        return STARTTLS_IGNORE;
    return strcasecmp(policy, "allow") == 0 ? STARTTLS_ALLOW : STARTTLS_REJECT;
}

/* GnuTLS's priority strings mean nothing to OpenSSL (Momentum 4 manual, tls_ciphers). */
static const char *ciphers(const struct conf_chain *chain)
{
    bool priorities = strcasecmp(conf_chain_text(chain, "tls_engine", "openssl"), "gnutls") == 0;
    return priorities ? NULL : set_text(chain, "tls_ciphers");
}

/* An error begins with the option at fault: puts its place in front. */
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
    policy->starttls_injection = injection(chain);
    if (policy->use_ssl)
        policy->extensions &= ~(unsigned)EXTENSION_STARTTLS;
    if (!policy->use_ssl && !(policy->extensions & EXTENSION_STARTTLS))
        return true;
    struct tls_settings settings = {
        .certificate = set_text(chain, "tls_certificate"),
        .key = set_text(chain, "tls_key"),
        .ciphers = ciphers(chain),
        .ciphersuites = set_text(chain, "tlsv13_ciphersuites"),
        .protocols = set_text(chain, "tls_protocols"),
        .curves = set_text(chain, "tls_ec_curve_names"),
        .dh_parameters_file = set_text(chain, "tls_dhparams_file"),
        .client_ca = set_text(chain, "tls_client_ca"),
        .hostname = hostname,
        .verify_mode = verify_mode(chain),
        .enable_dhe = conf_chain_bool(chain, "tls_enable_dhe_ciphers", true),
        .allow_renegotiation = set_true(chain, "tls_allow_renegotiation"),
    };
    policy->tls = tls_context_create(&settings, error, error_size);
    if (!policy->tls)
        add_place(chain, error, error_size);
    return policy->tls != NULL;
}
