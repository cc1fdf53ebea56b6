/*
 * listen_terms.h: the terms that apply to a client of a Listen: its policy, and the limits that it shares
 * with other clients of its scopes. Private to src/smtp/server.
 *
 * Thousands of Peers with the same settings share one policy. The budgets and the throttle, however, belong
 * to the scope of each client.
 */
#ifndef IMPULSE_SMTP_SERVER_LISTEN_TERMS_H
#define IMPULSE_SMTP_SERVER_LISTEN_TERMS_H

#include "smtp/server/policy.h"
#include "throttle/session_limits.h"

struct listen_terms {
    const struct esmtp_policy *policy;
    struct session_limits limits;
    struct message_throttle *throttle; /* NULL: none */
};

#endif
