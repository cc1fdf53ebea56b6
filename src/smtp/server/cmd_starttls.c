/*
 * STARTTLS: RFC 3207. The handshake follows the reply. Everything that the client said before is discarded.
 *
 * Input that arrives together with the command was sent in plain text and may come from an attacker between
 * client and server (CVE-2011-0411). Starttls_Injection_Policy decides what happens to it. With "allow",
 * these commands run after the handshake as if they had been sent under TLS; the greeting is discarded in any
 * case, so they must include a new one.
 */
#include "smtp/server/smtps_verb.h"

#include <string.h>
#include "smtp/server/auth.h"
#include "smtp/server/extension.h"
#include "smtp/server/offers.h"
#include "smtp/server/session_tls.h"

/* What the client's greeting set in the connection context. */
static const char *const told[] = {"ehlo_string", "ehlo_domain"};

/* Discards what the client said: RFC 3207 section 4.2. */
static void forget_client(struct smtps_session *session)
{
    hello_forget(session);
    for (size_t i = 0; i < sizeof told / sizeof *told; i++)
        imp_context_set(&session->view, IMP_CONTEXT_CONNECTION, told[i], NULL);
    if (session->auth_status != AUTH_NONE)
        auth_forget(session); /* rights that the address has are kept */
}

static void secured(struct smtps_session *session)
{
    session->state = SESSION_READING;
    session_renew_deadline(session);
    session_process(session);
}

/*
 * Returns the length of the command's line in the input; anything after it arrived together with the command.
 */
static size_t line_size(const struct smtps_session *session)
{
    struct slice input = buf_slice(&session->stream.in);
    const char *feed = memchr(input.data, '\n', input.size);
    return feed ? (size_t)(feed - input.data) + 1 : input.size;
}

static void cmd_starttls(struct smtps_session *session, struct slice arguments)
{
    struct buf *input = &session->stream.in;
    (void)arguments;
    if (session->tls) {
        session_refuse(session, &reply_starttls_twice);
        return;
    }
    if (!(session_offers(session) & EXTENSION_STARTTLS)) {
        session_refuse(session, &reply_starttls_not_offered);
        return;
    }
    if (buf_size(input) > line_size(session)) {
        if (session->policy->starttls_injection == STARTTLS_REJECT) {
            session_reply(session, &reply_starttls_injection);
            session_close(session);
            return;
        }
        if (session->policy->starttls_injection == STARTTLS_IGNORE)
            buf_truncate(input, line_size(session));
    }
    struct buf *out = &session->stream.out;
    size_t before = buf_size(out);
    session_reply(session, &reply_starttls_ready);
    if (session_start_tls(session, secured)) {
        forget_client(session);
        return;
    }
    if (session->stream.error == 0)
        buf_truncate(out, before);
    session_reply(session, &reply_starttls_unavailable);
}

/* ---- registered ------------------------------------------------------------------------------ */

static const struct smtps_verb verbs[] = {
    {.verb = "STARTTLS", .help = "begins TLS (RFC 3207)", .run = cmd_starttls},
};

void cmd_starttls_register(void)
{
    smtps_verbs_add(verbs, sizeof verbs / sizeof *verbs);
}
