/*
 * RCPT TO. RFC 5321 section 4.1.1.3. A recipient is accepted when no hook objects, some module permits
 * relaying to it, and the layer above has nothing against its domain.
 */
#include "smtp/command.h"
#include "smtp/transaction.h"
#include "smtp/worker.h"

enum { RECIPIENTS_HARD_MAX = 100000 }; /* of one message, whatever is configured: memory is bounded */

static void refuse(struct session *session, const struct reply *reply)
{
    session_reply(session, reply);
    session_count_error(session);
}

/* "551 5.7.1 text" as a reply. */
static void reply_static(struct session *session, const char *answer)
{
    struct slice rest = slice_text(answer), code, enhanced;
    char enhanced_text[12] = "";
    uint64_t number = 550;
    slice_next(&rest, ' ', &code);
    slice_to_uint(code, &number);
    if (slice_next(&rest, ' ', &enhanced) && enhanced.size < sizeof enhanced_text)
        memcpy(enhanced_text, enhanced.data, enhanced.size);
    session_reply(session, &(struct reply){(int)number, enhanced_text, rest.data ? rest.data : ""});
}

static void rcpt_validated(struct session *session, enum hook_outcome outcome)
{
    struct transaction *transaction = session->transaction;
    const struct smtp_upper *upper = &session->worker->server->upper;
    if (outcome == HOOK_REFUSED) {
        session_reply_hook(session);
        return;
    }
    if (!session->view.relay_permitted) {
        session_reply(session, &reply_relaying_denied);
        return;
    }
    const char *objection = upper->check_recipient(upper->upper, SLICE_LITERAL("default"),
                                                   slice_text(transaction_proposed_domain(transaction)));
    if (objection) {
        reply_static(session, objection);
        return;
    }
    transaction_add_proposed(transaction);
    session->view.recipient_count = transaction_recipients(transaction);
    session->view.recipient = session->view.recipient_domain = NULL;
    session_reply(session, &reply_rcpt_ok);
}

void cmd_rcpt(struct session *session, struct slice arguments)
{
    static const struct slice to = {"TO:", 3};
    struct slice rest = arguments, keyword, value;
    struct mail_path path;
    if (!session->transaction) {
        refuse(session, &reply_rcpt_without_mail);
        return;
    }
    if (!slice_starts_nocase(rest, to)) {
        refuse(session, &reply_rcpt_syntax);
        return;
    }
    rest = slice_of(rest.data + to.size, rest.size - to.size);
    if (!address_parse_path(&rest, false, true, &path)) {
        refuse(session, &reply_rcpt_syntax);
        return;
    }
    int parameter = address_next_parameter(&rest, &keyword, &value);
    if (parameter) { /* no extension with a RCPT parameter is offered */
        refuse(session, parameter > 0 ? &reply_parameter_unknown : &reply_rcpt_syntax);
        return;
    }
    uint32_t limit = session->policy->max_recipients_per_message;
    if (limit == 0 || limit > RECIPIENTS_HARD_MAX)
        limit = RECIPIENTS_HARD_MAX;
    if (transaction_recipients(session->transaction) >= limit) {
        session_reply(session, &reply_too_many_recipients);
        return;
    }
    transaction_propose(session->transaction, &path, session->policy->banner_hostname);
    session->view.recipient = transaction_proposed(session->transaction);
    session->view.recipient_domain = transaction_proposed_domain(session->transaction);
    session->view.relay_permitted = false;
    session_ask(session, IMP_VALIDATE_RCPTTO, rcpt_validated);
}
