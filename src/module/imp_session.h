/*
 * imp_session.h: the part of an SMTP session that modules see, filled in by src/smtp and read through
 * include/impulse/session.h.
 *
 * The SMTP server embeds a struct imp_session in its own session. Only the session's loop thread touches it.
 */
#ifndef IMPULSE_MODULE_IMP_SESSION_H
#define IMPULSE_MODULE_IMP_SESSION_H

#include "event/loop.h"
#include "impulse/hooks.h"
#include "impulse/log.h"
#include "message/message.h"
#include "net/addr.h"

struct imp_policy;
struct module_set;

struct hook_reply { /* a refusal that a hook asked for */
    int code;       /* 0: none */
    char enhanced[12];
    char text[480];
};

enum hook_outcome {
    HOOK_PASS,      /* nobody objected */
    HOOK_REFUSED,   /* session->reply says with what; session->refused_by says who */
    HOOK_SUSPENDED, /* session->resumed will be called on the session's loop */
};

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
    size_t recipient_count;
    uint64_t message_size;
    struct slice message_head;
    bool relay_permitted;                /* cleared by the server before validate_rcptto */
    char binding[64], binding_group[64]; /* "" : not set; cleared before validate_set_binding */
    struct context connection_context;
    struct attachments attached; /* to the connection */
    /* the hook chain that runs or was last run */
    struct module_set *modules; /* whose chain; the caller of module_set_validate holds the reference */
    struct hook_reply *reply;   /* owned; NULL: no hook has asked for one yet; see imp_session_reply_code */
    bool decided;               /* a hook ended the chain without a refusal */
    const struct imp_auth_facts *auth; /* in validate_auth; NULL elsewhere */
    const char *refused_by;            /* module name of the last refusal */
    enum imp_hook_point point;
    size_t next_hook;                /* index into the chain to resume at */
    struct imp_session **awaited_by; /* suspended: where the answer finds this session; else NULL */
    /* Set by the server: continues the command after a suspension. Loop thread. */
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
/* The code of the refusal that a hook asked for; 0: it asked for none. */
static inline int imp_session_reply_code(const struct imp_session *session)
{
    return session->reply ? session->reply->code : 0;
}
/* No refusal is asked for. */
void imp_session_clear_reply(struct imp_session *session);
/* The refusal, to be filled in; made when there is none. */
struct hook_reply *imp_session_reply(struct imp_session *session);
/* Releases contexts and the reply, and forgets a suspension that a hook still holds. */
void imp_session_release(struct imp_session *session);
/* The session no longer waits for an answer; that it comes later is harmless. */
void imp_session_forget_suspension(struct imp_session *session);

/* Fills in a refusal, made safe to send as one line. `enhanced` and `text` may be NULL. Any thread. */
void hook_reply_set(struct hook_reply *reply, int code, const char *enhanced, const char *text);

#endif
