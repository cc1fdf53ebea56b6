/*
 * protocol: the table of SMTP commands; finds the function for a command line.
 */
#include "smtp/server/protocol.h"

#include "smtp/server/auth.h"
#include "smtp/server/command.h"
#include "smtp/server/offers.h"
#include "smtp/server/transaction.h"

static const struct {
    struct slice verb;
    command_fn *run;
    bool takes_arguments; /* false: an argument is rejected with 501 5.5.4 */
    unsigned extension;   /* the command exists only if this is offered (extension.h); 0: always */
} commands[] = {
    {{"MAIL", 4}, cmd_mail, true, 0},
    {{"RCPT", 4}, cmd_rcpt, true, 0},
    {{"DATA", 4}, cmd_data, true, 0},
    {{"BDAT", 4}, cmd_bdat, true, 0},
    {{"RSET", 4}, cmd_rset, true, 0},
    {{"EHLO", 4}, cmd_ehlo, true, 0},
    {{"HELO", 4}, cmd_helo, true, 0},
    {{"NOOP", 4}, cmd_noop, true, 0},
    {{"QUIT", 4}, cmd_quit, false, 0},
    {{"VRFY", 4}, cmd_vrfy, true, 0},
    {{"HELP", 4}, cmd_help, true, 0},
    {{"AUTH", 4}, cmd_auth, true, 0},
    {{"STARTTLS", 8}, cmd_starttls, false, 0},
    {{"XCLIENT", 7}, cmd_xclient, true, EXTENSION_XCLIENT},
    {{"XREMOTEIP", 9}, cmd_xremoteip, true, EXTENSION_XREMOTEIP},
    {{"XSETCONTEXT", 11}, cmd_xsetcontext, true, EXTENSION_XSETCONTEXT},
    {{"XDUMPCONTEXT", 12}, cmd_xdumpcontext, false, EXTENSION_XDUMPCONTEXT},
    /* known but not implemented (RFC 5321 4.2.4): 502 */
    {{"EXPN", 4}, cmd_not_implemented, true, 0},
    {{"TURN", 4}, cmd_not_implemented, true, 0},
    {{"ETRN", 4}, cmd_not_implemented, true, 0},
    {{"SEND", 4}, cmd_not_implemented, true, 0},
    {{"SOML", 4}, cmd_not_implemented, true, 0},
    {{"SAML", 4}, cmd_not_implemented, true, 0},
};

static bool printable(struct slice line)
{
    for (size_t i = 0; i < line.size; i++)
        if (ascii_is_control(line.data[i]) && line.data[i] != '\t')
            return false;
    return true;
}

static bool announces_content(struct slice start)
{
    return slice_starts_nocase(start, SLICE_LITERAL("BDAT"));
}

static void refuse_unrecognized(struct smtps_session *session, struct slice line)
{
    session_refuse(session, &reply_unrecognized);
    if (announces_content(line))
        session_close(session);
}

static void run_command(struct smtps_session *session, struct slice line)
{
    struct slice rest = line, verb;
    if (!printable(line) || !slice_next(&rest, ' ', &verb)) {
        refuse_unrecognized(session, line);
        return;
    }
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++) {
        if (!slice_equal_nocase(verb, commands[i].verb))
            continue;
        if (commands[i].extension && (commands[i].extension & ~session_offers(session)))
            break;
        struct slice arguments = slice_trim(rest);
        if (!commands[i].takes_arguments && arguments.size > 0)
            session_refuse(session, &reply_no_parameters);
        else
            commands[i].run(session, arguments);
        return;
    }
    refuse_unrecognized(session, line);
}

static const char *phase(const struct smtps_session *session)
{
    const struct smtps_transaction *transaction = session->transaction;
    if (session->state == SESSION_RECEIVING || (transaction && transaction_has_content(transaction)))
        return "reading body";
    if (transaction && transaction_is_open(transaction))
        return "awaiting rcptto";
    return session->hello == HELLO_NONE ? "awaiting ehlo/helo" : "awaiting mailfrom";
}

static bool congested(const struct smtps_session *session)
{
    return session->transaction && transaction_congested(session->transaction);
}

static void reset(struct smtps_session *session)
{
    auth_cancel(session);
    if (session->transaction)
        transaction_abandon(session->transaction);
    session->transaction = NULL;
}

static bool is_long(struct slice line)
{
    return slice_starts_nocase(line, SLICE_LITERAL("AUTH ")); /* may carry an initial response */
}

const struct session_protocol smtp_protocol = {
    .command = run_command,
    .is_long = is_long,
    .announces_content = announces_content,
    .congested = congested,
    .reset = reset,
    .phase = phase,
};
