/*
 * policy_auth.h: the authentication options of one (Listen, Peer), as a part of struct esmtp_policy.
 * Immutable; any thread.
 */
#ifndef IMPULSE_SMTP_SERVER_POLICY_AUTH_H
#define IMPULSE_SMTP_SERVER_POLICY_AUTH_H

#include "confparse/confparse.h"
#include "module/module.h"
#include "sasl/sasl.h"

struct auth_method {                     /* Auth<Mechanism>Parameters; texts point into the configuration */
    const struct conf_value *parameters; /* as set; NULL: not set */
    const char *uri;                     /* NULL: not set */
    struct passwords *passwords;         /* one reference; NULL: no file */
    const char *realm;                   /* DIGEST-MD5 */
    bool log;                            /* log_authentication */
};

struct auth_policy {
    unsigned mechanisms; /* bit 1 << enum sasl_mechanism: named in SMTP_Extensions and able to succeed */
    bool plain_text;   /* Plaintext_Authentication: passwords may be sent without TLS where TLS is offered */
    bool required;     /* Enable_Authentication: MAIL requires an authentication */
    bool always_allow; /* every client counts as authenticated, as "anonymous" */
    const struct conf_value *named_extensions; /* SMTP_Extensions; NULL: not set */
    struct auth_method methods[SASL_MECHANISMS];
};

/*
 * Returns the policy, owned by the caller, or NULL if none of the options is set. `hostname` is the default
 * realm of DIGEST-MD5. `modules` (may be NULL) may check passwords themselves (validate_auth). Reads no file.
 * Main thread.
 */
struct auth_policy *auth_policy_create(const struct conf_chain *chain, const struct module_set *modules,
                                       const char *hostname);
void auth_policy_free(struct auth_policy *policy); /* NULL is allowed; any thread */

/* Fills `policy` from the options and opens no password file, so nothing in it is to be freed. Any thread. */
void auth_policy_read(struct auth_policy *policy, const struct conf_chain *chain);
/*
 * Returns the path of the password file that `parameters` name for this mechanism, and sets `*form` to the
 * form of its records. Returns NULL if they name no file that the mechanism can use.
 */
const char *auth_policy_file(enum sasl_mechanism mechanism, const struct conf_value *parameters,
                             struct passwords_form *form);

/*
 * Returns whether `item` of SMTP_Extensions is about AUTH: "AUTH PLAIN LOGIN" or "AUTH=LOGIN". Sets `*names`
 * to the rest.
 */
bool auth_policy_item(const char *item, struct slice *names);
/* Removes the next mechanism name, known or not, from `*names`. Returns false at the end. */
bool auth_policy_next_name(struct slice *names, struct slice *name);

#endif
