/*
 * acceptance: from the end of content to the answer.
 *
 * What the content itself earned, the hooks in Momentum's order (validate_data, validate_data_spool, then for
 * each recipient validate_data_spool_each_rcpt and validate_set_binding), the spool, the answer.
 */
#include "smtp/acceptance.h"

#include "smtp/transaction.h"
#include "smtp/worker.h"

static void answer(struct session *session, const struct reply *reply)
{
    session->transaction = NULL; /* transaction_commit took it */
    session_reset_transaction(session);
    if (reply->code < 300)
        session->receptions++;
    session_reply(session, reply);
    session_resume(session);
}

static void refused(struct session *session)
{
    session_reply_hook(session);
    session_reset_transaction(session);
}

static void commit(struct session *session)
{
    session_wait(session);
    transaction_commit(session->transaction, answer);
}

/* ---- hooks asked once per recipient: a loop over recipients that a suspension may leave and enter again
 * --------- */

static void select_recipient(struct session *session, size_t index)
{
    struct imp_session *view = &session->view;
    view->recipient = transaction_recipient(session->transaction, index, &view->recipient_domain);
    view->binding[0] = view->binding_group[0] = '\0';
}

static void ask_recipients(struct session *session);

static void recipient_bound(struct session *session, enum hook_outcome outcome)
{
    struct imp_session *view = &session->view;
    if (outcome == HOOK_REFUSED) {
        refused(session);
        return;
    }
    if (view->binding[0]) {
        const char *group = view->binding_group[0]
                                ? view->binding_group
                                : generation_binding_group(session->generation, view->binding);
        transaction_set_binding(session->transaction, session->next_recipient, view->binding, group);
    }
    session->next_recipient++;
    if (!session->asking_recipients)
        ask_recipients(session);
}

static void recipient_validated(struct session *session, enum hook_outcome outcome)
{
    if (outcome == HOOK_REFUSED)
        refused(session);
    else
        session_ask(session, IMP_VALIDATE_SET_BINDING, recipient_bound);
}

/* Iterates while hooks answer at once, so that many recipients do not nest calls. */
static void ask_recipients(struct session *session)
{
    struct transaction *transaction = session->transaction;
    session->asking_recipients = true;
    while (session->transaction == transaction && session->state != SESSION_WAITING &&
           session->next_recipient < transaction_recipients(transaction)) {
        select_recipient(session, session->next_recipient);
        session_ask(session, IMP_VALIDATE_DATA_SPOOL_EACH_RCPT, recipient_validated);
    }
    session->asking_recipients = false;
    if (session->transaction == transaction && session->state != SESSION_WAITING)
        commit(session);
}

static void spool_validated(struct session *session, enum hook_outcome outcome)
{
    struct module_set *modules = generation_modules(session->generation);
    session->next_recipient = 0;
    if (outcome == HOOK_REFUSED)
        refused(session);
    else if (module_set_has_hook(modules, IMP_VALIDATE_DATA_SPOOL_EACH_RCPT) ||
             module_set_has_hook(modules, IMP_VALIDATE_SET_BINDING))
        ask_recipients(session);
    else
        commit(session);
}

static void data_validated(struct session *session, enum hook_outcome outcome)
{
    if (outcome == HOOK_REFUSED)
        refused(session);
    else
        session_ask(session, IMP_VALIDATE_DATA_SPOOL, spool_validated);
}

void acceptance_begin(struct session *session)
{
    const struct reply *problem = transaction_verdict(session->transaction);
    if (problem) {
        session_reply(session, problem);
        session_reset_transaction(session);
        return;
    }
    session->view.message_size = transaction_size(session->transaction);
    session->view.message_head = transaction_head(session->transaction);
    session_ask(session, IMP_VALIDATE_DATA, data_validated);
}
