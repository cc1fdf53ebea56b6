/*
 * imp_session: the SMTP session as modules see it. The server fills in struct imp_session; the SDK's
 * functions here read it, each in a line or two. impulse/session.h documents what a hook may rely on.
 */
#include "module/imp_session.h"

#include <stdlib.h>
#include <string.h>
#include "base/mem.h"
#include "message/message_content.h"
#include "module/set.h"
#include "module/runner.h"

/* What a hook is told may not be about a session: a module that takes one for granted is named. */
#define REQUIRE(session, refusal)                                                                            \
    do {                                                                                                     \
        if (!module_is_given(session, __func__))                                                             \
            return refusal;                                                                                  \
    } while (0)

void imp_session_init(struct imp_session *session, struct loop *loop, uint64_t id,
                      const struct net_addr *local, const struct net_addr *peer)
{
    memset(session, 0, sizeof *session);
    session->loop = loop;
    session->call.session = session;
    session->call.loop = loop;
    session->id = id;
    session->ehlo = "";
    imp_session_set_addresses(session, local, peer);
}

void imp_session_set_addresses(struct imp_session *session, const struct net_addr *local,
                               const struct net_addr *peer)
{
    session->local = *local;
    session->peer = *peer;
    net_addr_format(&session->peer, session->peer_text);
    net_addr_format_port(&session->local, session->local_text);
}

void imp_session_release(struct imp_session *session)
{
    hook_call_release(&session->call);
    context_clear(&session->connection_context);
    attachments_clear(&session->attached);
    imp_session_set_binding(session, NULL, NULL);
}

uint64_t imp_session_id(const struct imp_session *session)
{
    REQUIRE(session, 0);
    return session->id;
}

const char *imp_session_peer_text(const struct imp_session *session)
{
    REQUIRE(session, "");
    return session->peer_text;
}

const char *imp_session_local_text(const struct imp_session *session)
{
    REQUIRE(session, "");
    return session->local_text;
}

bool imp_session_peer_address(const struct imp_session *session, uint8_t address[16])
{
    REQUIRE(session, false);
    if (session->peer.family != AF_INET && session->peer.family != AF_INET6)
        return false;
    net_addr_mapped(&session->peer, address);
    return true;
}

const char *imp_session_ehlo(const struct imp_session *session)
{
    REQUIRE(session, "");
    return session->ehlo;
}

void *imp_session_policy(const struct imp_session *session, const struct imp_module *module)
{
    REQUIRE(session, NULL);
    return session->policy ? imp_policy_get(session->policy, module) : NULL;
}

const char *imp_session_reverse_path(const struct imp_session *session)
{
    REQUIRE(session, NULL);
    return session->message ? session->message->sender : NULL;
}

const char *imp_session_reverse_path_domain(const struct imp_session *session)
{
    REQUIRE(session, NULL);
    return session->message ? session->message->sender_domain : NULL;
}

/* Hooks may change the address, so that it is read anew each time. */
static const struct message_recipient *recipient_in_question(const struct imp_session *session)
{
    return session->message ? session->message->in_question : NULL;
}

const char *imp_session_recipient(const struct imp_session *session)
{
    REQUIRE(session, NULL);
    const struct message_recipient *recipient = recipient_in_question(session);
    return recipient ? recipient->address : NULL;
}

const char *imp_session_recipient_domain(const struct imp_session *session)
{
    REQUIRE(session, NULL);
    const struct message_recipient *recipient = recipient_in_question(session);
    return recipient ? recipient->domain : NULL;
}

size_t imp_session_recipient_count(const struct imp_session *session)
{
    REQUIRE(session, 0);
    return session->message ? session->message->recipient_count : 0;
}

uint64_t imp_session_message_size(const struct imp_session *session)
{
    REQUIRE(session, 0);
    return session->message && session->message->readable ? message_size(session->message) : 0;
}

const char *imp_session_message_head(const struct imp_session *session, size_t *size)
{
    *size = 0;
    REQUIRE(session, NULL);
    struct slice head = session->message ? message_beginning(session->message) : slice_of(NULL, 0);
    *size = head.size;
    return head.data;
}

void imp_session_permit_relay(struct imp_session *session)
{
    REQUIRE(session, );
    session->relay_permitted = true;
}

void imp_session_set_binding(struct imp_session *session, const char *binding, const char *group)
{
    REQUIRE(session, );
    char *names[] = {binding && *binding ? mem_dup(binding) : NULL, group && *group ? mem_dup(group) : NULL};
    free(session->binding);
    free(session->binding_group);
    session->binding = names[0];
    session->binding_group = names[1];
}

const char *imp_session_auth_mechanism(const struct imp_session *session)
{
    REQUIRE(session, NULL);
    return session->auth ? session->auth->mechanism : NULL;
}

const char *imp_session_auth_user(const struct imp_session *session)
{
    REQUIRE(session, NULL);
    return session->auth ? session->auth->user : NULL;
}

const char *imp_session_auth_password(const struct imp_session *session)
{
    REQUIRE(session, NULL);
    return session->auth ? session->auth->password : NULL;
}

const char *imp_session_auth_uri(const struct imp_session *session)
{
    REQUIRE(session, NULL);
    return session->auth ? session->auth->uri : NULL;
}

enum imp_auth_status imp_session_auth_status(const struct imp_session *session)
{
    REQUIRE(session, IMP_AUTH_ERROR);
    return session->auth ? session->auth->status : IMP_AUTH_ERROR;
}

void imp_session_attach(struct imp_session *session, struct imp_module *module, void *data,
                        void (*release)(void *data))
{
    REQUIRE(session, );
    attachment_set(&session->attached, module, data, release, runner_release);
}

void *imp_session_attached(const struct imp_session *session, const struct imp_module *module)
{
    REQUIRE(session, NULL);
    return attachment_get(&session->attached, module);
}

bool imp_context_set(struct imp_session *session, enum imp_context which, const char *name, const char *value)
{
    REQUIRE(session, false);
    if (which == IMP_CONTEXT_CONNECTION)
        return context_set(&session->connection_context, name, value);
    return session->message && context_set(message_context(session->message), name, value);
}

const char *imp_context_get(const struct imp_session *session, enum imp_context which, const char *name)
{
    REQUIRE(session, NULL);
    if (which == IMP_CONTEXT_CONNECTION)
        return context_get(&session->connection_context, name);
    return session->message ? context_get(message_context(session->message), name) : NULL;
}
