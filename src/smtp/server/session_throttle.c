/*
 * session_throttle: makes a session wait until its next message may begin.
 */
#include "smtp/server/session_throttle.h"

#include "smtp/server/listen_terms.h"
#include "throttle/message_throttle.h"
#include "smtp/server/worker.h"

static void take_turn(struct smtps_session *session)
{
    session_hook_resumed(&session->view.call, HOOK_PASS);
}

void session_throttle(struct smtps_session *session, session_continue_fn *next)
{
    struct message_throttle *throttle = session->terms->throttle;
    uint64_t now = uv_hrtime() / 1000, when = now;
    if (throttle && !message_throttle_reserve(throttle, now, &when)) {
        next(session, HOOK_REFUSED);
    } else if (when == now) {
        next(session, HOOK_PASS);
    } else {
        session->next = next;
        session_wait(session);
        session->waiting_for_turn = true;
        /* the time cached at the start of a long turn would be too early */
        loop_renew_now(session->worker->loop);
        session_set_time(session, (when - now) / 1000 + 2, take_turn);
    }
}
