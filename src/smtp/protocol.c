/*
 * protocol: the table of SMTP commands, and the step from a line to its function.
 */
#include "smtp/protocol.h"

#include "smtp/auth.h"
#include "smtp/command.h"
#include "smtp/transaction.h"

static const struct {
    struct slice verb;
    command_fn *run;
    bool takes_arguments; /* false: an argument is refused with 501 5.5.4 */
} commands[] = {
    {{"MAIL", 4}, cmd_mail, true}, {{"RCPT", 4}, cmd_rcpt, true},  {{"DATA", 4}, cmd_data, true},
    {{"RSET", 4}, cmd_rset, true}, {{"EHLO", 4}, cmd_ehlo, true},  {{"HELO", 4}, cmd_helo, true},
    {{"NOOP", 4}, cmd_noop, true}, {{"QUIT", 4}, cmd_quit, false}, {{"VRFY", 4}, cmd_vrfy, true},
    {{"HELP", 4}, cmd_help, true}, {{"AUTH", 4}, cmd_auth, true},
};

static bool printable(struct slice line)
{
    for (size_t i = 0; i < line.size; i++) {
        unsigned char c = (unsigned char)line.data[i];
        if ((c < 32 && c != '\t') || c == 127)
            return false;
    }
    return true;
}

static void run_command(struct session *session, struct slice line)
{
    struct slice rest = line, verb;
    if (!printable(line) || !slice_next(&rest, ' ', &verb)) {
        session_reply(session, &reply_unrecognized);
        session_count_error(session);
        return;
    }
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++) {
        if (!slice_equal_nocase(verb, commands[i].verb))
            continue;
        struct slice arguments = slice_trim(rest);
        if (!commands[i].takes_arguments && arguments.size > 0) {
            session_reply(session, &reply_no_parameters);
            session_count_error(session);
        } else {
            commands[i].run(session, arguments);
        }
        return;
    }
    session_reply(session, &reply_unrecognized);
    session_count_error(session);
}

/* In Momentum's words (manual, esmtp_message_factory_state), as its rejectlog examples use them: hooks after
 * the content belong to "reading body". */
static const char *phase(const struct session *session)
{
    const struct transaction *transaction = session->transaction;
    if (session->state == SESSION_RECEIVING || (transaction && transaction_has_content(transaction)))
        return "reading body";
    if (transaction && transaction_is_open(transaction))
        return "awaiting rcptto";
    return session->hello == HELLO_NONE ? "awaiting ehlo/helo" : "awaiting mailfrom";
}

static bool congested(const struct session *session)
{
    return transaction_congested(session->transaction);
}

static void reset(struct session *session)
{
    auth_cancel(session);
    if (session->transaction)
        transaction_abandon(session->transaction);
    session->transaction = NULL;
}

static bool is_long(struct slice line)
{
    return slice_starts_nocase(line, SLICE_LITERAL("AUTH ")); /* it may carry an initial response */
}

const struct session_protocol smtp_protocol = {
    .command = run_command,
    .is_long = is_long,
    .congested = congested,
    .reset = reset,
    .phase = phase,
};
