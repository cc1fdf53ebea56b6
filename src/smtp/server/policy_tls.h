/*
 * policy_tls.h: resolves the tls_* options of one (Listen, Peer). Main thread.
 */
#ifndef IMPULSE_SMTP_SERVER_POLICY_TLS_H
#define IMPULSE_SMTP_SERVER_POLICY_TLS_H

#include "smtp/server/policy.h"

/*
 * Sets policy->tls where Use_SSL or STARTTLS asks for it; where TLS comes first nothing is left of STARTTLS.
 * `policy` has its use_ssl and its extensions. `hostname` is what a certificate is made for where none is
 * set. False with one line in error[], which names the place of the option at fault.
 */
bool policy_tls_resolve(struct esmtp_policy *policy, const struct conf_chain *chain, const char *hostname,
                        char *error, size_t error_size);

#endif
