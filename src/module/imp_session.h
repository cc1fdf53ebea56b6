/*
 * imp_session.h: the part of an SMTP session that modules see. src/smtp/server fills it in, and
 * include/impulse/session.h reads it.
 *
 * The SMTP server embeds a struct imp_session in its own session. Only the session's loop thread uses it.
 */
#ifndef IMPULSE_MODULE_IMP_SESSION_H
#define IMPULSE_MODULE_IMP_SESSION_H

#include "event/loop.h"
#include "impulse/log.h"
#include "message/message.h"
#include "module/call.h"
#include "net/addr.h"

struct imp_policy;

struct imp_auth_facts { /* facts about an authentication; texts are borrowed */
    const char *mechanism, *user;
    const char *password; /* NULL: the client did not send it */
    const char *uri;      /* NULL: the mechanism has no parameters */
    enum imp_auth_status status;
};

struct imp_session {
    struct loop *loop;
    uint64_t id;
    struct net_addr peer, local;
    const struct imp_policy *policy;
    const char *ehlo; /* NUL-terminated, "" before EHLO */
    /* The transaction; NULL or 0 outside one: */
    struct message *message;       /* owned by the transaction; knows the recipient in question */
    bool relay_permitted;          /* cleared by the server before validate_rcptto */
    char *binding, *binding_group; /* owned; NULL: not set; cleared before validate_set_binding */
    struct context connection_context;
    struct attachments attached;       /* to the connection */
    struct imp_call call;              /* the hook chain that runs or ran last; the server sets `resumed` */
    const struct imp_auth_facts *auth; /* during validate_auth; otherwise NULL */
    /* Cached texts for the SDK: */
    char peer_text[NET_ADDR_TEXT_SIZE], local_text[NET_ADDR_TEXT_SIZE];
};

/*
 * Clears `session` and sets the fields that do not change, including the cached texts. Both addresses are
 * copied.
 */
void imp_session_init(struct imp_session *session, struct loop *loop, uint64_t id,
                      const struct net_addr *local, const struct net_addr *peer);
/* Changes the addresses of client and server; each may point into the session itself. */
void imp_session_set_addresses(struct imp_session *session, const struct net_addr *local,
                               const struct net_addr *peer);
/*
 * Releases the contexts and the call, and cancels a suspension. Must not be called while a hook runs on a
 * pool thread.
 */
void imp_session_release(struct imp_session *session);

#endif
