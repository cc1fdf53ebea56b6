/*
 * policy_tls.h: resolves the tls_* options of one (Listen, Peer). Main thread.
 */
#ifndef IMPULSE_SMTP_SERVER_POLICY_TLS_H
#define IMPULSE_SMTP_SERVER_POLICY_TLS_H

#include "smtp/server/policy.h"

/*
 * Sets policy->tls if Use_SSL or STARTTLS requires it. With Use_SSL, removes STARTTLS from the extensions.
 * policy->use_ssl and policy->extensions must be set before. `hostname` is the name in a generated
 * certificate. Returns false with one line in error[], which names the place of the faulty option.
 */
bool policy_tls_resolve(struct esmtp_policy *policy, const struct conf_chain *chain, const char *hostname,
                        char *error, size_t error_size);

#endif
