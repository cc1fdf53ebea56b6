/*
 * MAIL FROM. RFC 5321 section 4.1.1.2, with SIZE (RFC 1870) and BODY (RFC 6152).
 */
#include "smtp/command.h"
#include "smtp/transaction.h"
#include "smtp/worker.h"

struct mail_parameters {
    uint64_t size; /* 0: not declared */
    uint32_t flags;
};

static void refuse(struct session *session, const struct reply *reply)
{
    session_reply(session, reply);
    session_count_error(session);
}

static const struct reply *parse_parameters(struct session *session, struct slice rest,
                                            struct mail_parameters *p)
{
    struct slice keyword, value;
    unsigned offered = session->policy->extensions;
    int found;
    while ((found = address_next_parameter(&rest, &keyword, &value)) > 0) {
        if (slice_equal_nocase(keyword, SLICE_LITERAL("SIZE")) && (offered & EXTENSION_SIZE)) {
            if (!slice_to_uint(value, &p->size))
                return &reply_size_syntax;
        } else if (slice_equal_nocase(keyword, SLICE_LITERAL("BODY")) && (offered & EXTENSION_8BITMIME)) {
            if (slice_equal_nocase(value, SLICE_LITERAL("8BITMIME")))
                p->flags |= ENVELOPE_EIGHT_BIT;
            else if (!slice_equal_nocase(value, SLICE_LITERAL("7BIT")))
                return &reply_parameter_unknown;
        } else {
            return &reply_parameter_unknown;
        }
    }
    return found < 0 ? &reply_mail_syntax : NULL;
}

static void mail_validated(struct session *session, enum hook_outcome outcome)
{
    if (outcome == HOOK_REFUSED) {
        session_reply_hook(session);
        session_reset_transaction(session);
    } else {
        transaction_open(session->transaction);
        session_reply(session, &reply_mail_ok);
    }
}

/* The limits that are known before any byte of the message: NULL when none is passed. */
static const struct reply *check_limits(struct session *session, uint64_t size)
{
    const struct esmtp_policy *policy = session->policy;
    if (policy->max_receptions_per_connection && session->receptions >= policy->max_receptions_per_connection)
        return &reply_too_many_receptions;
    if (policy->max_message_size && size > policy->max_message_size)
        return &reply_too_big;
    if (!spool_has_room(session->worker->server->spool, size))
        return &reply_spool_full;
    return NULL;
}

static void set_context(struct session *session, const struct mail_path *path, struct slice line)
{
    char text[COMMAND_LINE_MAX + 1];
    struct imp_session *view = &session->view;
    memcpy(text, line.data, line.size);
    text[line.size] = '\0';
    imp_context_set(view, IMP_CONTEXT_MESSAGE, "mailfrom_string", text);
    imp_context_set(view, IMP_CONTEXT_MESSAGE, "mailfrom_domain", view->reverse_path_domain);
    size_t local = path->domain.size ? path->mailbox.size - path->domain.size - 1 : path->mailbox.size;
    memcpy(text, path->mailbox.data, local);
    text[local] = '\0';
    imp_context_set(view, IMP_CONTEXT_MESSAGE, "mailfrom_localpart", text);
}

void cmd_mail(struct session *session, struct slice arguments)
{
    static const struct slice from = {"FROM:", 5};
    struct mail_path path;
    struct mail_parameters parameters = {0};
    if (session->generation != session->worker->generation) {
        session_replyf(session, 421, "", "%s", session->policy->reconfig_message);
        session_close(session);
        return;
    }
    if (session->hello == HELLO_NONE && session->policy->require_ehlo) {
        refuse(session, &reply_need_hello);
        return;
    }
    if (session->transaction) {
        refuse(session, &reply_mail_twice);
        return;
    }
    struct slice rest = arguments;
    if (!slice_starts_nocase(rest, from)) {
        refuse(session, &reply_mail_syntax);
        return;
    }
    rest = slice_of(rest.data + from.size, rest.size - from.size);
    if (!address_parse_path(&rest, true, false, &path)) {
        refuse(session, &reply_mail_syntax);
        return;
    }
    const struct reply *problem = parse_parameters(session, rest, &parameters);
    if (problem) {
        refuse(session, problem);
        return;
    }
    problem = check_limits(session, parameters.size);
    if (problem) {
        session_reply(session, problem);
        if (problem->code == 421)
            session_close(session);
        return;
    }
    session->transaction = transaction_create(session, &path, parameters.size, parameters.flags);
    session->view.in_transaction = true;
    session->view.reverse_path = transaction_reverse_path(session->transaction);
    session->view.reverse_path_domain = transaction_reverse_path_domain(session->transaction);
    set_context(session, &path, session->command);
    session_ask(session, IMP_VALIDATE_MAILFROM, mail_validated);
}
