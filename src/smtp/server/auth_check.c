/*
 * auth_check: reports errors and risks in the authentication options of ESMTP_Listener.
 *
 * Parameters are checked where they are set. Consequences of several options together are checked on the
 * resulting policy, for each Listen and Via and for the clients of each Peer.
 */
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include "base/mem.h"
#include "confparse/chain.h"
#include "sasl/sasl_check.h"
#include "sasl/parameters.h"
#include "sasl/records.h"
#include "smtp/server/extension.h"
#include "smtp/server/policy_auth.h"
#include "smtp/server/server.h"

struct auth_check {
    const struct conf *conf;
    struct conf_report *report;
    const struct conf_scope *stanza; /* Peer or Via that is checked; NULL: the Listen */
    struct seen_values seen;
};

/* ---- parameters ------------------------------------------------------------------------------ */

static bool is_key(enum sasl_mechanism mechanism, const char *key)
{
    static const char *const keys[] = {"uri", "log_authentication", "realm", "stored_cleartext"};
    size_t count = mechanism == SASL_DIGEST_MD5 ? sizeof keys / sizeof *keys : 2;
    for (size_t i = 0; i < count; i++)
        if (strcasecmp(keys[i], key) == 0)
            return true;
    return false;
}

static bool check_keys(struct auth_check *check, enum sasl_mechanism mechanism,
                       const struct conf_value *value)
{
    for (size_t i = 0; i < value->count; i++)
        if (!is_key(mechanism, value->items[2 * i])) {
            conf_report_add(check->report, CONF_ERROR, value->place,
                            "\"%s\" has no meaning here; uri and log_authentication have%s",
                            value->items[2 * i],
                            mechanism == SASL_DIGEST_MD5 ? ", realm and stored_cleartext, too" : "");
            return false;
        }
    return true;
}

/* Reports a URI that does not name a file which the mechanism can use. */
static void complain_of_uri(struct auth_check *check, enum sasl_mechanism mechanism,
                            const struct conf_value *value)
{
    const char *uri = parameters_find(value, "uri");
    const char *scheme = mechanism == SASL_DIGEST_MD5 ? "digest" : "file";
    bool is_ours = uri && (strncasecmp(uri, "file:", 5) == 0 || strncasecmp(uri, "digest:", 7) == 0);
    if (!uri || !strstr(uri, "://"))
        conf_report_add(check->report, CONF_ERROR, value->place, "%s; expected uri = \"%s:///PATH\"",
                        uri ? "this is no URI" : "uri is missing", scheme);
    else if (is_ours)
        conf_report_add(check->report, CONF_ERROR, value->place,
                        "\"%s\" is not what this mechanism can use; expected uri = \"%s:///PATH\"", uri,
                        scheme);
    else
        conf_report_add(check->report, CONF_WARNING, value->place,
                        "scheme \"%.*s\" is not available: nobody can authenticate by it unless a module "
                        "answers for it; instead: uri = \"%s:///PATH\"",
                        (int)(strstr(uri, "://") - uri), uri, scheme);
}

static const char *(*record_check(struct passwords_form form))(struct slice record)
{
    if (form.realms)
        return form.hashed ? records_check_digest : records_check_realm_password;
    return form.hashed ? records_check_password_digest : records_check_password;
}

/* Returns the realm sent to clients; NULL: the host name of this machine. */
static const char *realm_of(const struct conf_chain *chain, const struct conf_value *value)
{
    const char *realm = parameters_find(value, "realm");
    if (!realm || !*realm)
        realm = conf_chain_text(chain, "hostname");
    return realm && *realm ? realm : NULL;
}

static void check_parameters(struct auth_check *check, enum sasl_mechanism mechanism,
                             const struct conf_chain *chain, const struct conf_value *value)
{
    struct passwords_form form;
    const char *realm = realm_of(chain, value);
    if (!seen_values_add(&check->seen, value) || !check_keys(check, mechanism, value))
        return;
    const char *path = auth_policy_file(mechanism, value, &form);
    if (!path)
        complain_of_uri(check, mechanism, value);
    else
        records_check_file(check->report, value->place, path, record_check(form));
    if (path && form.realms && realm)
        records_check_realm(check->report, value->place, path, realm);
}

/* ---- combinations of options ------------------------------------------------------------------ */

static bool has_tls(const struct conf_chain *chain)
{
    const struct conf_value *value = conf_chain_value(chain, "smtp_extensions");
    return conf_chain_bool(chain, "use_ssl") ||
           (conf_value_is_set(value) &&
            (extensions_resolve(value->items, value->count) & EXTENSION_STARTTLS));
}

static void warn_of_no_way_in(struct auth_check *check, struct conf_place place)
{
    const char *kind = check->stanza ? conf_scope_kind(check->stanza) : "";
    char *who = check->stanza
                    ? mem_printf(" for the clients of %s \"%s\"", strcmp(kind, "peer") == 0 ? "Peer" : "Via",
                                 conf_scope_name(check->stanza))
                    : NULL;
    conf_report_add(check->report, CONF_WARNING, place,
                    "authentication is required and none is possible%s: only hosts that may relay can send "
                    "mail",
                    who ? who : "");
    free(who);
}

static void warn_of_plain_text(struct auth_check *check, const struct conf_chain *chain,
                               const struct auth_policy *policy)
{
    const struct conf_value *value = conf_chain_value(chain, "smtp_extensions");
    const struct conf_value *asked = conf_chain_value(chain, "plaintext_authentication");
    bool tls = has_tls(chain);
    bool always = conf_chain_bool(chain, "use_ssl");
    bool plain = policy->mechanisms & (1u << SASL_PLAIN | 1u << SASL_LOGIN);
    if (!plain || always || (tls && !policy->plain_text))
        return;
    if (tls && seen_values_add(&check->seen, asked))
        conf_report_add(check->report, CONF_WARNING, asked->place,
                        "PLAIN and LOGIN are offered before STARTTLS: passwords cross the network in clear "
                        "text");
    else if (!tls && seen_values_add(&check->seen, value))
        conf_report_add(check->report, CONF_WARNING, value->place,
                        "AUTH PLAIN or LOGIN without STARTTLS: passwords cross the network in clear text");
}

/* Warns if SMTP_Extensions names AUTH but no mechanism has a password file. */
static void warn_of_nothing(struct auth_check *check, const struct conf_chain *chain,
                            const struct auth_policy *policy)
{
    const struct conf_value *value = conf_chain_value(chain, "smtp_extensions");
    bool named =
        conf_value_is_set(value) && (extensions_resolve(value->items, value->count) & EXTENSION_AUTH);
    if (named && (!policy || !policy->mechanisms) && seen_values_add(&check->seen, value))
        conf_report_add(check->report, CONF_WARNING, value->place,
                        "AUTH is not offered: no passwords are named for its mechanisms "
                        "(AuthPlainParameters, ...)");
    if (policy && policy->required && !policy->mechanisms && !policy->always_allow &&
        !conf_chain_bool(chain, "open_relay")) {
        const struct conf_value *required = conf_chain_value(chain, "enable_authentication");
        if (seen_values_add(&check->seen, required))
            warn_of_no_way_in(check, required->place);
    }
}

static void warn_of_everybody(struct auth_check *check, const struct conf_chain *chain)
{
    const struct conf_value *value = conf_chain_value(chain, "always_allow");
    if (seen_values_add(&check->seen, value))
        conf_report_add(check->report, CONF_WARNING, value->place,
                        "every client that this is for may relay to everywhere, without a password");
}

static void check_chain(struct auth_check *check, const struct conf_chain *chain)
{
    struct auth_policy *policy = auth_policy_create(chain, NULL, ""), options;
    auth_policy_read(&options, chain);
    for (size_t i = 0; i < SASL_MECHANISMS; i++)
        if (options.methods[i].parameters)
            check_parameters(check, (enum sasl_mechanism)i, chain, options.methods[i].parameters);
    warn_of_nothing(check, chain, policy);
    if (policy && policy->always_allow)
        warn_of_everybody(check, chain);
    if (policy)
        warn_of_plain_text(check, chain, policy);
    auth_policy_free(policy);
}

/* Returns the address block of a Peer or Via; invalid blocks were reported when the file was loaded. */
static struct conf_block block_of(const struct conf_scope *stanza)
{
    struct conf_block block = {.known = false};
    block.known = conf_parse_cidr(conf_scope_name(stanza), block.address, &block.bits);
    return block;
}

static void check_peers(struct auth_check *check, struct conf_clients clients, const struct conf_scope *scope)
{
    struct conf_chain chain;
    for (const struct conf_scope *peer = NULL; (peer = conf_scope_next(scope, "peer", peer));) {
        const struct conf_scope *outer = check->stanza;
        clients.peer = block_of(peer);
        conf_chain_clients(&chain, check->conf, &clients);
        check->stanza = peer;
        check_chain(check, &chain);
        check->stanza = outer;
    }
}

/* Checks the clients that connect to `via`; NULL: to any other address. */
static void check_clients(struct auth_check *check, struct conf_clients clients, const struct conf_scope *via)
{
    struct conf_chain chain;
    if (via)
        clients.local = block_of(via);
    check->stanza = via;
    conf_chain_clients(&chain, check->conf, &clients);
    check_chain(check, &chain);
    check_peers(check, clients, clients.listener);
    check_peers(check, clients, clients.listen);
    if (via)
        check_peers(check, clients, via);
}

static void check_vias(struct auth_check *check, const struct conf_clients *clients,
                       const struct conf_scope *scope)
{
    for (const struct conf_scope *via = NULL; (via = conf_scope_next(scope, "via", via));)
        check_clients(check, *clients, via);
}

void smtp_auth_check(const struct conf *conf, struct conf_report *report)
{
    struct auth_check check = {.conf = conf, .report = report};
    struct conf_clients clients = {0};
    while ((clients.listener = conf_scope_next(conf_root(conf), "esmtp_listener", clients.listener))) {
        clients.listen = NULL;
        while ((clients.listen = conf_scope_next(clients.listener, "listen", clients.listen))) {
            check_clients(&check, clients, NULL);
            check_vias(&check, &clients, clients.listener);
            check_vias(&check, &clients, clients.listen);
        }
    }
    free(check.seen.values);
}
