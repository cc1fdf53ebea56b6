/*
 * acceptance: from the end of content to the reply.
 *
 * The order is: the checks of the content itself, the hooks in Momentum's order (validate_data,
 * validate_data_spool, then for each recipient validate_data_spool_each_rcpt and validate_set_binding), the
 * spool, the reply.
 *
 * All hooks together have data_processing_timeout. A hook that has not decided by then is no longer waited
 * for, and its later result is ignored. The spool has no time limit, but a message that it stores too late is
 * removed again before the client gets its reply (transaction_commit.c).
 *
 * A recipient that a hook rejects permanently is left out and its sender is notified
 * (transaction_refuse_recipient), as long as another recipient is accepted. If all recipients are rejected,
 * the last rejection is the reply to the transaction. A temporary rejection (4xx) is the reply at once: the
 * client retries with all recipients, and nobody is notified of a failure that did not happen.
 */
#include "smtp/server/acceptance.h"

#include <stdio.h>
#include "base/clock.h"
#include "base/reply_code.h"
#include "smtp/server/transaction.h"
#include "smtp/server/worker.h"

static void answer(struct smtps_session *session, const struct smtps_reply *reply)
{
    session->transaction = NULL; /* transaction_commit owns it now */
    if (!reply) {
        session_close(session); /* the spool cannot tell whether it has the message */
        return;
    }
    session_reset_transaction(session);
    if (reply_code_is_positive((unsigned)reply->code))
        session->receptions++;
    session_reply(session, reply);
    session->holds_answer = true;
    session_resume(session);
}

static void end_refused(struct smtps_session *session, const struct smtps_reply *reply)
{
    session_reply(session, reply);
    session_reset_transaction(session);
}

static void refused(struct smtps_session *session)
{
    session_reply_hook(session);
    session_reset_transaction(session);
}

static void commit(struct smtps_session *session)
{
    if (transaction_is_overdue(session->transaction)) {
        end_refused(session, &reply_processing_timeout);
        return;
    }
    session->hooks_due = 0;
    session_wait_for_spool(session);
    transaction_commit(session->transaction, answer);
}

/* ---- hooks called once per recipient; a suspension may leave the loop and enter it again ----------- */

/* Sets the recipient in the message context, as RCPT did, for the hooks and the rejectlog. */
static void set_context(struct smtps_session *session)
{
    struct imp_session *view = &session->view;
    const struct message_recipient *recipient = view->message->in_question;
    /* Once for each recipient and message: bytes are copied, nothing is formatted. */
    static const char command[] = "RCPT TO:<";
    enum { START = sizeof command - 1 };
    size_t size = strlen(recipient->address), domain = strlen(recipient->domain);
    size_t local = size > domain ? size - domain - 1 : 0;
    char text[COMMAND_LINE_MAX + 16];
    if (size > COMMAND_LINE_MAX)
        return;
    memcpy(text, command, START);
    memcpy(text + START, recipient->address, size);
    memcpy(text + START + size, ">", 2);
    imp_context_set(view, IMP_CONTEXT_MESSAGE, "rcptto_string", text);
    imp_context_set(view, IMP_CONTEXT_MESSAGE, "rcptto_domain", recipient->domain);
    text[START + local] = '\0';
    imp_context_set(view, IMP_CONTEXT_MESSAGE, "rcptto_localpart", text + START);
}

static void select_recipient(struct smtps_session *session, size_t index)
{
    struct imp_session *view = &session->view;
    session_ask_about(session, transaction_recipient(session->transaction, index));
    message_select(view->message, view->message->in_question);
    imp_session_set_binding(view, NULL, NULL);
    set_context(session);
}

static void ask_recipients(struct smtps_session *session);

static void next_recipient(struct smtps_session *session)
{
    session_ask_about(session, NULL);
    session->next_recipient++;
    if (!session->asking_recipients)
        ask_recipients(session);
}

static void recipient_refused(struct smtps_session *session)
{
    struct smtps_transaction *transaction = session->transaction;
    size_t refusals = transaction_refused(transaction) + 1;
    int code = hook_call_reply_code(&session->view.call); /* 0: the default reply, which is permanent */
    if (reply_code_is_transient((unsigned)code) || refusals == transaction_recipients(transaction)) {
        refused(session);
        return;
    }
    session_log_hook_refusal(session);
    transaction_refuse_recipient(transaction, session->next_recipient, session->view.call.reply);
    next_recipient(session);
}

static void recipient_bound(struct smtps_session *session, enum hook_outcome outcome)
{
    struct imp_session *view = &session->view;
    if (outcome == HOOK_REFUSED) {
        recipient_refused(session);
        return;
    }
    if (view->binding) {
        const char *group = view->binding_group
                                ? view->binding_group
                                : generation_binding_group(session->generation, view->binding);
        struct imp_binding_choice choice = {
            .size = sizeof choice, .binding = view->binding, .group = group ? group : ""};
        session_tell(session, POINT_BINDING_CHOSEN, &choice);
        transaction_set_binding(session->transaction, session->next_recipient, view->binding, group);
    }
    next_recipient(session);
}

static void recipient_validated(struct smtps_session *session, enum hook_outcome outcome)
{
    if (outcome == HOOK_REFUSED)
        recipient_refused(session);
    else
        session_ask(session, POINT_VALIDATE_SET_BINDING, recipient_bound);
}

/* Loops while hooks decide at once, so that many recipients do not cause nested calls. */
static void ask_recipients(struct smtps_session *session)
{
    struct smtps_transaction *transaction = session->transaction;
    session->asking_recipients = true;
    while (session->transaction == transaction && session->state != SESSION_WAITING &&
           session->next_recipient < transaction_recipients(transaction)) {
        select_recipient(session, session->next_recipient);
        session_ask(session, POINT_VALIDATE_DATA_SPOOL_EACH_RCPT, recipient_validated);
    }
    session->asking_recipients = false;
    if (session->transaction == transaction && session->state != SESSION_WAITING)
        commit(session);
}

/* ---- the message as a whole ---------------------------------------------------------------------- */

static void spool_validated(struct smtps_session *session, enum hook_outcome outcome)
{
    struct module_set *modules = generation_modules(session->generation);
    session->next_recipient = 0;
    if (outcome == HOOK_REFUSED)
        refused(session);
    else if (module_set_has_hook(modules, POINT_VALIDATE_DATA_SPOOL_EACH_RCPT) ||
             module_set_has_hook(modules, POINT_VALIDATE_SET_BINDING)) {
        session->view.message->asked_each = true;
        ask_recipients(session);
    } else {
        commit(session);
    }
}

static void data_validated(struct smtps_session *session, enum hook_outcome outcome)
{
    if (outcome == HOOK_REFUSED)
        refused(session);
    else
        session_ask(session, POINT_VALIDATE_DATA_SPOOL, spool_validated);
}

/*
 * Called when the spool has settled the last parts of a large message. If it has all of them, hooks can read
 * the content.
 */
static void parts_settled(struct smtps_session *session)
{
    session_end_wait(session);
    const struct smtps_reply *problem = transaction_verdict(session->transaction);
    if (problem)
        end_refused(session, problem);
    else
        session_ask(session, POINT_VALIDATE_DATA, data_validated);
    session_process(session);
}

void acceptance_begin(struct smtps_session *session)
{
    struct smtps_transaction *transaction = session->transaction;
    transaction_end_content(transaction);
    const struct smtps_reply *problem = transaction_verdict(transaction);
    if (problem) {
        end_refused(session, problem);
        return;
    }
    session->hooks_due = transaction_due(transaction);
    if (transaction_when_settled(transaction, parts_settled))
        session_wait_for_spool(session);
    else
        session_ask(session, POINT_VALIDATE_DATA, data_validated);
}
