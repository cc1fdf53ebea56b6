/*
 * DATA: content up to the final dot. RFC 5321 section 4.1.1.4, RFC 3030 sections 2 and 3. What happens after
 * the final dot is in acceptance.c.
 */
#include "smtp/server/acceptance.h"
#include "smtp/server/smtps_verb.h"
#include "smtp/server/session_throttle.h"
#include "smtp/server/transaction.h"

static size_t data_content(struct smtps_session *session, struct slice input);

static void begin_content(struct smtps_session *session, enum hook_outcome outcome)
{
    if (outcome == HOOK_REFUSED) {
        session_reply(session, &reply_throttled);
        return;
    }
    session_reply(session, &reply_go_ahead);
    transaction_begin_content(session->transaction, true);
    session_receive(session, data_content);
}

static void cmd_data(struct smtps_session *session, struct slice arguments)
{
    const struct smtps_reply *problem = NULL;
    if (arguments.size > 0)
        problem = &reply_data_argument;
    else if (!session->transaction)
        problem = &reply_data_without_mail;
    else if (transaction_recipients(session->transaction) == 0)
        problem = &reply_data_without_rcpt;
    else if (transaction_content_begun(session->transaction) ||
             transaction_flags(session->transaction) & ENVELOPE_BINARY)
        problem = &reply_bad_sequence; /* RFC 3030: DATA is not allowed after BDAT or for BINARYMIME */
    if (problem) {
        session_reply(session, problem);
        session_count_error(session);
        return;
    }
    session_throttle(session, begin_content);
}

static size_t data_content(struct smtps_session *session, struct slice input)
{
    bool end;
    size_t used = transaction_receive(session->transaction, input, &end);
    if (end) {
        session->state = SESSION_READING;
        acceptance_begin(session);
    }
    return used;
}

/* ---- registered ------------------------------------------------------------------------------ */

static const struct smtps_verb verbs[] = {
    {.verb = "DATA", .help = "sends the content (RFC 5321)", .run = cmd_data, .takes_arguments = true},
};

void cmd_data_register(void)
{
    smtps_verbs_add(verbs, sizeof verbs / sizeof *verbs);
}
