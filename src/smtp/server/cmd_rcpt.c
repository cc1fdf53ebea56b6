/*
 * RCPT TO: RFC 5321 section 4.1.1.3. A recipient is accepted if no hook rejects it, a module permits relaying
 * to it, and the layer above does not reject its domain.
 */
#include "smtp/server/auth.h"
#include "smtp/server/smtps_verb.h"
#include "smtp/server/offers.h"
#include "smtp/server/path.h"
#include "smtp/server/transaction.h"
#include "smtp/server/worker.h"

static const struct path_command rcpt_path = {
    {"TO:", 3}, &reply_rcpt_syntax, &reply_rcpt_too_long, &reply_rcpt_literal};

/* Sends a reply given as the text "551 5.7.1 text". */
static void reply_static(struct smtps_session *session, const char *answer)
{
    struct slice rest = slice_text(answer), code, enhanced;
    char enhanced_text[12] = "";
    uint64_t number = 550;
    slice_next(&rest, ' ', &code);
    slice_to_uint(code, &number);
    if (slice_next(&rest, ' ', &enhanced) && enhanced.size < sizeof enhanced_text)
        memcpy(enhanced_text, enhanced.data, enhanced.size);
    session_reply(session, &(struct smtps_reply){(int)number, enhanced_text, rest.data ? rest.data : ""});
}

/*
 * Returns whether the recipient is accepted. If it is not, the reply has been sent. Hooks may have changed
 * its address.
 */
static bool admit(struct smtps_session *session, enum hook_outcome outcome)
{
    const struct message_recipient *recipient = session->view.message->in_question;
    const struct smtp_upper *upper = &session->worker->server->upper;
    const char *objection = NULL;
    if (outcome == HOOK_REFUSED)
        session_reply_hook(session);
    else if (!session->view.relay_permitted && !auth_may_relay(session))
        session_reply(session, &reply_relaying_denied);
    else if ((objection = upper->check_recipient(upper->upper, SLICE_LITERAL("default"),
                                                 slice_text(recipient->domain))) != NULL)
        reply_static(session, objection);
    else
        return true;
    return false;
}

static void rcpt_validated(struct smtps_session *session, enum hook_outcome outcome)
{
    struct smtps_transaction *transaction = session->transaction;
    bool accepted = admit(session, outcome);
    session_ask_about(session, NULL);
    transaction_settle_proposed(transaction, accepted);
    if (!accepted)
        return;
    session->recipients++;
    session_reply(session, &reply_rcpt_ok);
}

/*
 * Returns whether the address may lack a domain: the postmaster always (RFC 5321 4.5.1), other addresses if a
 * default domain is configured.
 */
static bool may_lack_domain(const struct smtps_session *session, const struct mail_path *path)
{
    return path->mailbox.size > 0 && (session->policy->recipient_domain ||
                                      slice_equal_nocase(path->mailbox, SLICE_LITERAL("postmaster")));
}

/* Parses and checks the command. Returns NULL, or the reply that rejects it. */
static const struct smtps_reply *parse(struct smtps_session *session, struct slice arguments,
                                       struct mail_path *path, struct parameters *parameters)
{
    parameters->refused_by = "core"; /* of what is found before the parameters are parsed */
    unsigned offered = session_offers_parameters(session);
    if (!session->transaction)
        return &reply_rcpt_without_mail;
    if (transaction_content_begun(session->transaction))
        return &reply_bad_sequence; /* RFC 3030 section 2: BDAT has begun */
    const struct smtps_reply *problem = path_parse(session, &rcpt_path, &arguments, path);
    if (problem)
        return problem;
    if (path->domain.size == 0 && !may_lack_domain(session, path))
        return &reply_rcpt_syntax;
    bool utf8 = transaction_flags(session->transaction) & ENVELOPE_SMTPUTF8;
    if (path->utf8 && !utf8)
        return &reply_not_ascii;
    if (!utf8)
        offered &= ~(unsigned)EXTENSION_SMTPUTF8;
    struct parameter_source source = session_parameter_source(session);
    return parameters_parse_rcpt(arguments, offered, &source, parameters);
}

static const struct smtps_reply *check_limits(const struct smtps_session *session)
{
    const struct esmtp_policy *policy = session->policy;
    if (transaction_recipients(session->transaction) >= policy->max_recipients_per_message)
        return &reply_too_many_recipients;
    if (policy->max_recipients_per_connection && session->recipients >= policy->max_recipients_per_connection)
        return &reply_too_many_connection_recipients;
    return NULL;
}

/*
 * Sets rcptto_string to the command line if the client gave an address without domain (Momentum 4 manual,
 * domain_for_unqualified_recipient_addresses).
 */
static void keep_given(struct smtps_session *session, const struct mail_path *path)
{
    char text[COMMAND_LINE_MAX + 1];
    struct slice line = session->command;
    memcpy(text, line.data, line.size);
    text[line.size] = '\0';
    imp_context_set(&session->view, IMP_CONTEXT_MESSAGE, "rcptto_string",
                    path->domain.size == 0 ? text : NULL);
}

static void cmd_rcpt(struct smtps_session *session, struct slice arguments)
{
    const struct esmtp_policy *policy = session->policy;
    struct mail_path path;
    struct parameters parameters;
    const struct smtps_reply *problem = parse(session, arguments, &path, &parameters);
    if (problem) {
        session_refuse_as(session, problem, parameters.refused_by);
        return;
    }
    problem = check_limits(session);
    if (problem) {
        session_reply(session, problem);
        return;
    }
    session_ask_about(session, transaction_propose(session->transaction, &path, &parameters,
                                                   policy->recipient_domain ? policy->recipient_domain
                                                                            : policy->banner_hostname));
    keep_given(session, &path);
    session->view.relay_permitted = false;
    session_ask(session, POINT_VALIDATE_RCPTTO, rcpt_validated);
}

/* ---- registered ------------------------------------------------------------------------------ */

static const struct smtps_verb verbs[] = {
    {.verb = "RCPT",
     .help = "names a recipient of the message (RFC 5321)",
     .run = cmd_rcpt,
     .takes_arguments = true},
};

void cmd_rcpt_register(void)
{
    smtps_verbs_add(verbs, sizeof verbs / sizeof *verbs);
}
