/*
 * MAIL FROM: RFC 5321 section 4.1.1.2. Its parameters are in parameter.c.
 */
#include "metrics/memory_guard.h"
#include "smtp/server/auth.h"
#include "smtp/server/smtps_verb.h"
#include "smtp/server/offers.h"
#include "smtp/server/path.h"
#include "smtp/server/transaction.h"
#include "smtp/server/worker.h"

static const struct path_command mail_path = {
    {"FROM:", 5}, &reply_mail_syntax, &reply_mail_too_long, &reply_mail_literal};

static void mail_validated(struct smtps_session *session, enum hook_outcome outcome)
{
    if (outcome == HOOK_REFUSED) {
        session_reply_hook(session);
        session_reset_transaction(session);
    } else {
        transaction_open(session->transaction);
        session_reply(session, &reply_mail_ok);
    }
}

/*
 * Checks the limits that are known before the content arrives. Returns NULL, or the reply for a limit that is
 * exceeded.
 */
static const struct smtps_reply *check_limits(struct smtps_session *session, uint64_t size)
{
    const struct esmtp_policy *policy = session->policy;
    if (policy->max_receptions_per_connection && session->receptions >= policy->max_receptions_per_connection)
        return &reply_too_many_receptions;
    if (policy->max_messages_per_connection && session->mails >= policy->max_messages_per_connection)
        return &reply_too_many_messages;
    if (policy->max_message_size && size > policy->max_message_size)
        return &reply_too_big;
    if (memory_guard_refuses())
        return &reply_memory_full;
    if (!spool_has_room(session->worker->server->spool, size))
        return &reply_spool_full;
    return NULL;
}

/* Checks whether the sender is allowed; its syntax was checked before. */
static const struct smtps_reply *check_sender(const struct smtps_session *session,
                                              const struct mail_path *path,
                                              const struct parameters *parameters)
{
    if (path->mailbox.size == 0)
        return session->policy->allow_null_sender ? NULL : &reply_null_sender;
    if (path->domain.size == 0 && !session->policy->sender_domain)
        return &reply_mail_syntax;
    return path->utf8 && !(parameters->flags & ENVELOPE_SMTPUTF8) ? &reply_not_ascii : NULL;
}

static void set_context(struct smtps_session *session, const struct mail_path *path, struct slice line)
{
    char text[COMMAND_LINE_MAX + 1];
    struct imp_session *view = &session->view;
    memcpy(text, line.data, line.size);
    text[line.size] = '\0';
    imp_context_set(view, IMP_CONTEXT_MESSAGE, "mailfrom_string", text);
    imp_context_set(view, IMP_CONTEXT_MESSAGE, "mailfrom_domain", view->message->sender_domain);
    size_t local = path->domain.size ? path->mailbox.size - path->domain.size - 1 : path->mailbox.size;
    memcpy(text, path->mailbox.data, local);
    text[local] = '\0';
    imp_context_set(view, IMP_CONTEXT_MESSAGE, "mailfrom_localpart", text);
}

/* Parses and checks the command. Returns NULL, or the reply that rejects it. */
static const struct smtps_reply *parse(struct smtps_session *session, struct slice arguments,
                                       struct mail_path *path, struct parameters *parameters)
{
    parameters->refused_by = "core"; /* of what is found before the parameters are parsed */
    if (session->hello == HELLO_NONE && session->policy->require_ehlo)
        return &reply_need_hello;
    if (auth_is_missing(session))
        return &reply_auth_required;
    if (session->transaction)
        return &reply_mail_twice;
    const struct smtps_reply *problem = path_parse(session, &mail_path, &arguments, path);
    struct parameter_source source = session_parameter_source(session);
    if (!problem)
        problem = parameters_parse_mail(arguments, session_offers_parameters(session), &source, parameters);
    return problem ? problem : check_sender(session, path, parameters);
}

static void cmd_mail(struct smtps_session *session, struct slice arguments)
{
    struct mail_path path;
    struct parameters parameters;
    if (session->generation != session->worker->generation) {
        session_replyf(session, 421, "", "%s", session->policy->reconfig_message);
        session_close(session);
        return;
    }
    const struct smtps_reply *problem = parse(session, arguments, &path, &parameters);
    if (problem) {
        session_refuse_as(session, problem, parameters.refused_by);
        return;
    }
    problem = check_limits(session, parameters.size);
    if (problem) {
        session_reply(session, problem);
        if (problem->code == 421)
            session_close(session);
        return;
    }
    if (parameters.auth.size)
        parameters.auth = auth_sender(session, parameters.auth);
    session->mails++;
    session->chunk.told = false;
    session->transaction = transaction_create(session, &path, &parameters);
    session->view.message = transaction_message(session->transaction);
    set_context(session, &path, session->command);
    session_ask(session, POINT_VALIDATE_MAILFROM, mail_validated);
}

/* ---- registered ------------------------------------------------------------------------------ */

static const struct smtps_verb verbs[] = {
    {.verb = "MAIL",
     .help = "begins a message and names its sender (RFC 5321)",
     .run = cmd_mail,
     .takes_arguments = true},
};

void cmd_mail_register(void)
{
    smtps_verbs_add(verbs, sizeof verbs / sizeof *verbs);
}
