/*
 * policy_auth.h: who can authenticate, and how: the authentication options of one (Listen, Peer), as a part
 * of struct esmtp_policy. Immutable; any thread.
 */
#ifndef IMPULSE_SMTP_SERVER_POLICY_AUTH_H
#define IMPULSE_SMTP_SERVER_POLICY_AUTH_H

#include "confparse/confparse.h"
#include "module/module.h"
#include "sasl/sasl.h"

struct auth_method {                     /* AuthPlainParameters and its kind; texts are the configuration's */
    const struct conf_value *parameters; /* as set; NULL: not set */
    const char *uri;                     /* NULL: not set */
    struct passwords *passwords;         /* one reference; NULL: there is no file */
    const char *realm;                   /* DIGEST-MD5 */
    bool log;                            /* log_authentication */
};

struct auth_policy {
    unsigned mechanisms; /* bit 1 << enum sasl_mechanism: SMTP_Extensions names it, and it can succeed */
    bool plain_text;     /* Plaintext_Authentication: passwords may cross the network where TLS is offered */
    bool required;       /* Enable_Authentication: MAIL is for who has authenticated */
    bool always_allow;   /* everybody counts as authenticated, as "anonymous" */
    struct auth_method methods[SASL_MECHANISMS];
};

/*
 * NULL when none of the options is set. `hostname` is the realm of DIGEST-MD5 where none is named. `modules`
 * (may be NULL) may have the passwords of other schemes: validate_auth. No file is read. Main thread.
 */
struct auth_policy *auth_policy_create(const struct conf_chain *chain, const struct module_set *modules,
                                       const char *hostname);
void auth_policy_free(struct auth_policy *policy); /* NULL is harmless; any thread */

/* The option with the parameters of a mechanism; NULL: it has none (EXTERNAL). */
const char *auth_policy_option(enum sasl_mechanism mechanism);
/* How the records of the file are written that `parameters` name for this mechanism; NULL: no file is named
 * that the mechanism can use. Otherwise the path. */
const char *auth_policy_file(enum sasl_mechanism mechanism, const struct conf_value *parameters,
                             struct passwords_form *form);

/* Is it an item of SMTP_Extensions for AUTH, "AUTH PLAIN LOGIN" or "AUTH=LOGIN"? *names is what follows. */
bool auth_policy_item(const char *item, struct slice *names);
/* Takes the next name of a mechanism, known or not, off *names; false at the end. */
bool auth_policy_next_name(struct slice *names, struct slice *name);

#endif
