/*
 * auth: the mechanisms on offer, and the rights that follow from an authentication.
 */
#include "smtp/server/auth.h"

#include "base/mem.h"
#include "message/trace.h"
#include "tls/tls.h"
#include "smtp/server/policy_auth.h"

/* ---- mechanisms ------------------------------------------------------------------------------ */

static bool has_starttls(const struct esmtp_policy *policy)
{
    return policy->tls && (policy->extensions & EXTENSION_STARTTLS);
}

bool auth_needs_tls(const struct smtps_session *session, enum sasl_mechanism mechanism)
{
    if (session->tls)
        return false;
    if (mechanism == SASL_EXTERNAL)
        return true;
    return sasl_is_plain_text(mechanism) && has_starttls(session->policy) &&
           !session->policy->auth->plain_text;
}

/*
 * Returns whether the client's certificate was verified. Under XCLIENT or XREMOTEIP, the certificate says
 * nothing about the client that is impersonated.
 */
static bool is_verified(const struct smtps_session *session)
{
    return session->tls && session->tls->client_verified && !session->real_extensions;
}

static bool is_usable(const struct smtps_session *session, enum sasl_mechanism mechanism)
{
    if (auth_needs_tls(session, mechanism))
        return false;
    return mechanism != SASL_EXTERNAL || (is_verified(session) && session->tls->client_subject_cn[0]);
}

unsigned auth_mechanisms(const struct smtps_session *session)
{
    const struct auth_policy *policy = session->policy->auth;
    unsigned usable = 0;
    for (size_t i = 0; policy && i < SASL_MECHANISMS; i++)
        if ((policy->mechanisms & 1u << i) && is_usable(session, (enum sasl_mechanism)i))
            usable |= 1u << i;
    return usable;
}

void auth_append_mechanisms(const struct smtps_session *session, char first, struct buf *out)
{
    char separator = first;
    unsigned usable = auth_mechanisms(session);
    for (size_t i = 0; i < SASL_MECHANISMS; i++)
        if (usable & 1u << i) {
            buf_append(out, &separator, 1);
            separator = ' ';
            buf_append_text(out, sasl_mechanism_name((enum sasl_mechanism)i));
        }
}

/* ---- rights ---------------------------------------------------------------------------------- */

static void set(struct smtps_session *session, const char *name, const char *value)
{
    imp_context_set(&session->view, IMP_CONTEXT_CONNECTION, name, value);
}

static bool is_always_allowed(const struct smtps_session *session)
{
    return session->policy->auth && session->policy->auth->always_allow;
}

static bool is_verified_peer(const struct smtps_session *session)
{
    return session->policy->verified_peer_can_relay && is_verified(session);
}

bool auth_may_relay(struct smtps_session *session)
{
    const char *said = imp_context_get(&session->view, IMP_CONTEXT_CONNECTION, "can_relay");
    if (said || !is_verified_peer(session))
        return said && strcmp(said, "true") == 0; /* a module may have revoked the right */
    set(session, "can_relay", "true");
    return true;
}

bool auth_is_missing(struct smtps_session *session)
{
    return session->policy->auth && session->policy->auth->required && !session->user &&
           !auth_may_relay(session);
}

struct slice auth_sender(struct smtps_session *session, struct slice claimed)
{
    return session->user || auth_may_relay(session) ? claimed : SLICE_LITERAL("<>");
}

/* ---- identity -------------------------------------------------------------------------------- */

void auth_record(struct smtps_session *session, const char *mechanism, enum auth_status status,
                 const char *user)
{
    static const char *const words[] = {
        [AUTH_NONE] = NULL, [AUTH_PASS] = "pass", [AUTH_FAIL] = "fail", [AUTH_ERROR] = "error"};
    char safe[AUTH_USER_SHOWN + 1];
    size_t size = slice_copy_printable(safe, sizeof safe, slice_text(user));
    session->auth_mechanism = mechanism;
    session->auth_status = status;
    set(session, "auth_name", mechanism);
    set(session, "auth_status", words[status]);
    set(session, "auth_user", size ? safe : NULL);
}

void auth_accept(struct smtps_session *session, const char *user)
{
    if (!session->user)
        session->right_before = mem_dup(imp_context_get(&session->view, IMP_CONTEXT_CONNECTION, "can_relay"));
    free(session->user);
    session->user = mem_dup(user);
    set(session, "can_relay", "true");
}

static void forget_right(struct smtps_session *session)
{
    free(session->right_before);
    session->right_before = NULL;
}

/* Momentum 4 manual, "ALWAYS-ALLOW Property": the client counts as authenticated as the user "anonymous". */
static void meet_user(struct smtps_session *session)
{
    set(session, "auth_user", is_always_allowed(session) ? "anonymous" : NULL);
}

void auth_forget(struct smtps_session *session)
{
    if (session->user)
        set(session, "can_relay", session->right_before);
    forget_right(session);
    free(session->user);
    session->user = NULL;
    auth_record(session, NULL, AUTH_NONE, "");
    meet_user(session);
}

void auth_meet(struct smtps_session *session)
{
    forget_right(session);
    if (session->user)
        return;
    set(session, "can_relay", is_always_allowed(session) ? "true" : NULL);
    meet_user(session);
}

void auth_append_results(const struct smtps_session *session, struct buf *out)
{
    static const char *const results[] = {
        [AUTH_PASS] = "pass", [AUTH_FAIL] = "fail", [AUTH_ERROR] = "temperror"};
    if (session->auth_status != AUTH_NONE)
        trace_append_authentication(session->policy->received_hostname, results[session->auth_status],
                                    session->auth_mechanism, out);
}
