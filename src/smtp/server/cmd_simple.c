/*
 * The commands that only send a reply: RSET, NOOP, VRFY, HELP, QUIT, and those that are not implemented. RFC
 * 5321 sections 4.1.1.5 to 4.1.1.10.
 */
#include "smtp/server/command.h"
#include "smtp/server/worker.h"

void cmd_rset(struct smtps_session *session, struct slice arguments)
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

void cmd_noop(struct smtps_session *session, struct slice arguments)
{
    (void)arguments; /* RFC 5321 4.1.1.9: an argument is ignored */
    session_reply(session, &reply_ok);
}

void cmd_vrfy(struct smtps_session *session, struct slice arguments)
{
    if (arguments.size == 0) {
        session_refuse(session, &reply_vrfy_argument);
        return;
    }
    session_reply(session, &reply_vrfy);
}

void cmd_help(struct smtps_session *session, struct slice arguments)
{
    (void)arguments;
    session_reply(session, &reply_help);
}

void cmd_not_implemented(struct smtps_session *session, struct slice arguments)
{
    (void)arguments;
    session_refuse(session, &reply_not_implemented);
}

void cmd_quit(struct smtps_session *session, struct slice arguments)
{
    (void)arguments;
    session_reply(session, &reply_bye);
    session_close(session);
}
