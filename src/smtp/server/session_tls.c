/*
 * session_tls: does a session's TLS handshake, and sets the variables about it in the connection context
 * (Momentum 4 manual, "Policy", predefined connection context variables).
 *
 * A failed handshake is caused by the client or by a certificate that clients reject. The paniclog reports
 * it, at a limited rate with a count. A client that closes the connection is not a failure.
 */
#include "smtp/server/session_tls.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include "log/paniclog.h"
#include "tls/tls.h"

bool session_start_tls(struct smtps_session *session, session_event_fn *secured)
{
    if (!session->policy->tls || stream_start_tls(&session->stream, session->policy->tls) < 0)
        return false;
    session->state = SESSION_OPENING;
    session->opening = secured;
    session_renew_deadline(session);
    return true;
}

static void set_text(struct smtps_session *session, const char *name, const char *value)
{
    if (*value)
        imp_context_set(&session->view, IMP_CONTEXT_CONNECTION, name, value);
}

static void set_number(struct smtps_session *session, const char *name, unsigned value)
{
    char text[16];
    snprintf(text, sizeof text, "%u", value);
    set_text(session, name, text);
}

static void set_context(struct smtps_session *session)
{
    const struct tls_facts *tls = session->tls;
    set_text(session, "tls", "on");
    set_text(session, "tls_protocol", tls->protocol);
    set_text(session, "tls_cipher", tls->cipher);
    set_number(session, "tls_cipher_algbits", tls->algorithm_bits);
    set_number(session, "tls_cipher_usebits", tls->used_bits);
    set_text(session, "tls_client_cert_subject", tls->client_subject);
    set_text(session, "tls_client_cert_subject_cn", tls->client_subject_cn);
    set_text(session, "tls_client_cert_issuer", tls->client_issuer);
    set_text(session, "tls_client_cert_issuer_cn", tls->client_issuer_cn);
    set_text(session, "tls_client_verified", tls->client_verified ? "yes" : "");
}

void session_tls_secured(struct stream *stream, int error)
{
    struct smtps_session *session = container_of(stream, struct smtps_session, stream);
    if (error) {
        static struct panic_rate rate;
        const char *reason = stream_tls_reason(stream);
        if (error == -EPROTO)
            paniclog_rated(&rate, PANIC_NOTICE, "TLS with %s failed: %s", session->view.peer_text, reason);
        else
            paniclog(PANIC_INFO, "TLS with %s failed: %s", session->view.peer_text, reason);
        session_abort(session);
        return;
    }
    if (session->state == SESSION_CLOSING)
        return; /* already given up; the last reply is sent without further help */
    session->tls = stream_tls_facts(stream);
    set_context(session);
    session_tell(session, POINT_TLS_ACCEPTED, NULL);
    session->opening(session);
}
