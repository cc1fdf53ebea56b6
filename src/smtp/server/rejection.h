/*
 * rejection.h: a refusal, for the rejectlog. Private to src/smtp/server.
 */
#ifndef IMPULSE_SMTP_SERVER_REJECTION_H
#define IMPULSE_SMTP_SERVER_REJECTION_H

#include "module/module.h"
#include "net/addr.h"
#include "smtp/server/policy.h"
#include "smtp/server/reply.h"

struct rejection { /* borrowed for the call */
    const struct smtps_reply *reply;
    const char *module; /* who refused: a module's name, or "core" */
    const char *phase;  /* what was awaited, in the rejectlog's words */
    const struct esmtp_policy *policy;
    uint64_t connection_id;
    const struct net_addr *peer, *local;
    struct slice connection_context, message_context; /* in the form of context_pairs */
};

/* Tells the modules that log refusals, if there are any. Any loop thread. */
void rejection_log(struct module_set *modules, const struct rejection *rejection);

#endif
