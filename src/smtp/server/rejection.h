/*
 * rejection.h: reports a rejected command to the rejectlog. Private to src/smtp/server.
 */
#ifndef IMPULSE_SMTP_SERVER_REJECTION_H
#define IMPULSE_SMTP_SERVER_REJECTION_H

#include "module/module.h"
#include "net/addr.h"
#include "smtp/server/policy.h"
#include "smtp/server/reply.h"

struct rejection { /* all pointers are borrowed for the call */
    const struct smtps_reply *reply;
    const char *module; /* name of the module that rejected it, or "core" */
    const char *phase;  /* phase of the session, as the rejectlog names it */
    const struct esmtp_policy *policy;
    uint64_t connection_id;
    const struct net_addr *peer, *local;
    struct slice connection_context, message_context; /* in the form of context_pairs */
};

/* Passes the rejection to the modules that log rejections, if there are any. Any loop thread. */
void rejection_log(struct module_set *modules, const struct rejection *rejection);

#endif
