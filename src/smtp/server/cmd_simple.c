/*
 * The commands that only send a reply: RSET, NOOP, VRFY, HELP, QUIT, and those that are not implemented. RFC
 * 5321 sections 4.1.1.5 to 4.1.1.10.
 */
#include "smtp/server/smtps_verb.h"
#include "smtp/server/worker.h"

static void cmd_rset(struct smtps_session *session, struct slice arguments)
{
    if (arguments.size > 0) {
        session_refuse(session, &reply_rset_argument);
        return;
    }
    session_reset_transaction(session);
    if (session->generation != session->worker->generation) {
        session_replyf(session, 421, "", "%s", session->policy->reconfig_message);
        session_close(session);
        return;
    }
    session_reply(session, &reply_ok);
}

static void cmd_noop(struct smtps_session *session, struct slice arguments)
{
    (void)arguments; /* RFC 5321 4.1.1.9: an argument is ignored */
    session_reply(session, &reply_ok);
}

static void cmd_vrfy(struct smtps_session *session, struct slice arguments)
{
    if (arguments.size == 0) {
        session_refuse(session, &reply_vrfy_argument);
        return;
    }
    session_reply(session, &reply_vrfy);
}

static void cmd_help(struct smtps_session *session, struct slice arguments)
{
    (void)arguments;
    session_reply(session, &reply_help);
}

static void cmd_not_implemented(struct smtps_session *session, struct slice arguments)
{
    (void)arguments;
    session_refuse(session, &reply_not_implemented);
}

static void cmd_quit(struct smtps_session *session, struct slice arguments)
{
    (void)arguments;
    session_reply(session, &reply_bye);
    session_close(session);
}

/* ---- registered ------------------------------------------------------------------------------ */

static const struct smtps_verb verbs[] = {
    {.verb = "RSET", .help = "gives the message up (RFC 5321)", .run = cmd_rset, .takes_arguments = true},
    {.verb = "NOOP", .help = "does nothing (RFC 5321)", .run = cmd_noop, .takes_arguments = true},
    {.verb = "QUIT", .help = "ends the session (RFC 5321)", .run = cmd_quit},
    {.verb = "VRFY",
     .help = "is answered 252, as addresses are not verified (RFC 5321)",
     .run = cmd_vrfy,
     .takes_arguments = true},
    {.verb = "HELP", .help = "names the commands (RFC 5321)", .run = cmd_help, .takes_arguments = true},
    /* Known, and not for this server (RFC 5321 4.2.4): 502. */
    {.verb = "EXPN", .help = "is not implemented", .run = cmd_not_implemented, .takes_arguments = true},
    {.verb = "TURN", .help = "is not implemented", .run = cmd_not_implemented, .takes_arguments = true},
    {.verb = "ETRN", .help = "is not implemented", .run = cmd_not_implemented, .takes_arguments = true},
    {.verb = "SEND", .help = "is not implemented", .run = cmd_not_implemented, .takes_arguments = true},
    {.verb = "SOML", .help = "is not implemented", .run = cmd_not_implemented, .takes_arguments = true},
    {.verb = "SAML", .help = "is not implemented", .run = cmd_not_implemented, .takes_arguments = true},
};

void cmd_simple_register(void)
{
    smtps_verbs_add(verbs, sizeof verbs / sizeof *verbs);
}
