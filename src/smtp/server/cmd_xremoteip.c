/*
 * XREMOTEIP ADDRESS: sets the client's address for the rest of the session. Momentum 4 manual, "SMTP
 * Extensions". Allowed at any time, also within a transaction; the session continues in its current state.
 */
#include "smtp/server/extension.h"
#include "smtp/server/smtps_verb.h"
#include "smtp/server/stand_in.h"
#include "smtp/server/transaction.h"

static void connect_validated(struct smtps_session *session, enum hook_outcome outcome)
{
    if (outcome == HOOK_REFUSED) {
        session_reply_hook(session);
        session_close(session);
    } else {
        session_reply(session, &reply_ok);
    }
}

static void cmd_xremoteip(struct smtps_session *session, struct slice arguments)
{
    struct net_addr peer;
    if (!stand_in_parse_address(arguments, &peer)) {
        session_refuse(session, &reply_address_invalid);
        return;
    }
    const struct smtps_reply *refusal = stand_in_for(session, &peer, NULL);
    if (refusal) {
        session_reply(session, refusal);
        session_close(session);
        return;
    }
    if (session->transaction)
        transaction_set_peer(session->transaction, &peer);
    session_ask(session, POINT_VALIDATE_CONNECT, connect_validated);
}

/* ---- registered ------------------------------------------------------------------------------ */

static const struct smtps_verb verbs[] = {
    {.verb = "XREMOTEIP",
     .help = "gives the address of a trusted client's own client",
     .run = cmd_xremoteip,
     .takes_arguments = true,
     .extension = EXTENSION_XREMOTEIP},
};

void cmd_xremoteip_register(void)
{
    smtps_verbs_add(verbs, sizeof verbs / sizeof *verbs);
}
