/*
 * HELO and EHLO. RFC 5321 sections 4.1.1.1 and 4.1.4: both end a transaction.
 */
#include "base/mem.h"
#include "smtp/wire/address.h"
#include "smtp/server/smtps_verb.h"
#include "smtp/server/offers.h"

void hello_forget(struct smtps_session *session)
{
    session_reset_transaction(session);
    free(session->hello_name);
    session->hello_name = NULL;
    session->hello = HELLO_NONE;
    session->view.ehlo = "";
}

static void accept_hello(struct smtps_session *session)
{
    const struct esmtp_policy *policy = session->policy;
    struct buf *out = &session->stream.out;
    if (session->hello == HELLO_HELO) {
        buf_printf(out, "250 %s says HELO to %s\r\n", policy->banner_hostname, session->view.peer_text);
        return;
    }
    buf_printf(out, "250-%s says EHLO to %s\r\n", policy->banner_hostname, session->view.peer_text);
    offers_append(session, out);
}

static void hello_validated(struct smtps_session *session, enum hook_outcome outcome)
{
    if (outcome == HOOK_REFUSED) {
        session->hello = HELLO_NONE;
        session_reply_hook(session);
        return;
    }
    accept_hello(session);
}

static void hello(struct smtps_session *session, struct slice name, enum hello_kind kind,
                  const struct smtps_reply *invalid)
{
    /*
     * Clients use many kinds of names. Only names that cannot be written into a Received field are rejected.
     */
    if (name.size == 0 || name.size > DOMAIN_MAX || memchr(name.data, ' ', name.size) ||
        memchr(name.data, '(', name.size) || memchr(name.data, ')', name.size) ||
        memchr(name.data, '<', name.size) || memchr(name.data, '\t', name.size)) {
        session_refuse(session, invalid);
        return;
    }
    char string[COMMAND_LINE_MAX + 1];
    struct slice line = slice_trim(session->command);
    hello_forget(session);
    session->hello_name = mem_copy_text(name.data, name.size);
    session->hello = kind;
    session->view.ehlo = session->hello_name;
    memcpy(string, line.data, line.size);
    string[line.size] = '\0';
    imp_context_set(&session->view, IMP_CONTEXT_CONNECTION, "ehlo_string", string);
    imp_context_set(&session->view, IMP_CONTEXT_CONNECTION, "ehlo_domain", session->hello_name);
    session_ask(session, POINT_VALIDATE_EHLO, hello_validated);
}

static void cmd_helo(struct smtps_session *session, struct slice arguments)
{
    hello(session, arguments, HELLO_HELO, &reply_invalid_helo);
}

static void cmd_ehlo(struct smtps_session *session, struct slice arguments)
{
    hello(session, arguments, HELLO_EHLO, &reply_invalid_ehlo);
}

/* ---- registered ------------------------------------------------------------------------------ */

static const struct smtps_verb verbs[] = {
    {.verb = "EHLO",
     .help = "greets the server and asks for its extensions (RFC 5321)",
     .run = cmd_ehlo,
     .takes_arguments = true},
    {.verb = "HELO", .help = "greets the server (RFC 5321)", .run = cmd_helo, .takes_arguments = true},
};

void cmd_hello_register(void)
{
    smtps_verbs_add(verbs, sizeof verbs / sizeof *verbs);
}
