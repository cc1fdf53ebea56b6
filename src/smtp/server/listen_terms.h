/*
 * listen_terms.h: what a client of a Listen gets: the policy, and what it shares with other clients of its
 * scopes. Private to src/smtp/server.
 *
 * Twenty thousand Peers that set the same share a policy; which budgets and which throttle they count in
 * follows from who they are.
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
