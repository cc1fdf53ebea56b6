/*
 * imp_session.h: the part of an SMTP session that modules see, filled in by src/smtp and read through
 * include/impulse/session.h.
 *
 * The SMTP server embeds a struct imp_session in its own session. Only the session's loop thread touches it.
 */
#ifndef IMPULSE_MODULE_IMP_SESSION_H
#define IMPULSE_MODULE_IMP_SESSION_H

#include "event/loop.h"
#include "impulse/log.h"
#include "message/message.h"
#include "module/call.h"
#include "net/addr.h"

struct imp_policy;

struct imp_auth_facts { /* of an authentication; texts are borrowed */
    const char *mechanism, *user;
    const char *password; /* NULL: it did not cross the connection */
    const char *uri;      /* NULL: the mechanism has no parameters */
    enum imp_auth_status status;
};

struct imp_session {
    struct loop *loop;
    uint64_t id;
    struct net_addr peer, local;
    const struct imp_policy *policy;
    const char *ehlo; /* NUL-terminated, "" before EHLO */
    /* the transaction; NULL or 0 outside one */
    struct message *message; /* the transaction's */
    const char *recipient, *recipient_domain;
    bool relay_permitted;                /* cleared by the server before validate_rcptto */
    char *binding, *binding_group;       /* owned; NULL: not set; cleared before validate_set_binding */
    struct context connection_context;
    struct attachments attached;       /* to the connection */
    struct imp_call call;              /* the chain of hooks that runs or was last run */
    const struct imp_auth_facts *auth; /* in validate_auth; NULL elsewhere */
    /*
     * Set by the server: continues the command after a suspension; with HOOK_SUSPENDED, another hook is
     * waited for. Loop thread.
     */
    void (*resumed)(struct imp_session *session, enum hook_outcome outcome);
    /* cached texts for the SDK */
    char peer_text[NET_ADDR_TEXT_SIZE], local_text[NET_ADDR_TEXT_SIZE];
};

/* Zeroes and sets the fields that do not change; the texts are formatted here. */
void imp_session_init(struct imp_session *session, struct loop *loop, uint64_t id,
                      const struct net_addr *local, const struct net_addr *peer);
/* The client and we are at other addresses than it seemed; either may be the session's own. */
void imp_session_set_addresses(struct imp_session *session, const struct net_addr *local,
                               const struct net_addr *peer);
/* Releases contexts and the call; what is waited for is cancelled. Not while a hook runs on a pool's thread.
 */
void imp_session_release(struct imp_session *session);

#endif
