/*
 * session_hooks: a session asks its hooks, and waits for them no longer than it has to.
 *
 * A hook that is waited for has its own deadline (module_hook_timeout, or the hook's), and all hooks after
 * the content have data_processing_timeout together. When either is over, the command is refused for the time
 * being. A client that leaves, or a drain, ends the wait as well. Idle_Time does not run meanwhile: the
 * client waits for us.
 *
 * A suspended hook is told that nobody waits for it any more, and one that waits for a pool's thread is not
 * called. One that runs on such a thread cannot be told: what it reads of the session stays until it has
 * returned, while the client has been answered and its connection and its place in the limits are free.
 */
#include <stdio.h>
#include "base/clock.h"
#include "smtp/server/session.h"
#include "smtp/server/worker.h"

enum { HURRY_MS = 5000 }; /* what a hook gets when the server drains */

/* ---- what a hook still uses ------------------------------------------------------------------ */

/* What session_tell could not say of the end while the hook ran. */
static void tell_the_end(struct smtps_session *session)
{
    if (session->untold_abort)
        session_tell(session, POINT_SESSION_ABORTED, NULL);
    if (session->untold_end)
        session_tell(session, POINT_SESSION_ENDED, NULL);
}

/* The hook has returned. */
static void released(struct imp_call *call)
{
    struct smtps_session *session = container_of(call, struct smtps_session, view.call);
    session->held = false;
    if (session->stream.closing)
        tell_the_end(session);
    session_reset_transaction(session);
    if (session->stream.closing)
        imp_session_release(&session->view);
    session_let_go(session);
}

bool session_hold(struct smtps_session *session)
{
    if (!session->held && hook_call_is_held(&session->view.call)) {
        session->held = true;
        session->open_handles++;
        hook_call_abandon(&session->view.call, released);
    }
    return session->held;
}

/* ---- deadlines ------------------------------------------------------------------------------- */

static uint64_t until(uint64_t due)
{
    uint64_t now = clock_mono_ms();
    return due > now ? due - now : 0;
}

static void refuse_late(struct smtps_session *session, bool all_late)
{
    struct imp_call *call = &session->view.call;
    if (all_late)
        hook_reply_set(hook_call_reply(call), reply_processing_timeout.code,
                       reply_processing_timeout.enhanced, reply_processing_timeout.text);
    else
        hook_call_fail(call);
    session_end_wait(session);
    session->next(session, HOOK_REFUSED);
    session_process(session);
}

static void say_late(const struct smtps_session *session, bool all_late)
{
    const struct imp_call *call = &session->view.call;
    char limit[128];
    if (all_late)
        snprintf(limit, sizeof limit, "within data_processing_timeout (%u s)",
                 session->policy->data_processing_timeout);
    else if (session->leave)
        snprintf(limit, sizeof limit, "until %d s after the server was to stop", HURRY_MS / 1000);
    else
        snprintf(limit, sizeof limit, "within %u ms", hook_call_deadline_ms(call));
    hook_call_name_late(call, limit);
}

static void arm(struct smtps_session *session);

static void hook_is_late(struct smtps_session *session)
{
    struct imp_call *call = &session->view.call;
    bool all_late = session->hooks_due && until(session->hooks_due) == 0;
    if (!all_late && !session->leave && hook_call_wait_ms(call) > 0) {
        arm(session); /* the loop's clock was ahead */
        return;
    }
    say_late(session, all_late);
    session->waiting_for_hook = false;
    stream_unwatch_end(&session->stream);
    hook_call_cancel(call);
    if (session_hold(session) || session->leave) {
        session_reply(session, session->leave ? &reply_shutdown : &reply_hook_is_late);
        session_close(session);
        return;
    }
    refuse_late(session, all_late);
}

static void arm(struct smtps_session *session)
{
    uint64_t wait = hook_call_wait_ms(&session->view.call);
    if (session->hooks_due && until(session->hooks_due) < wait)
        wait = until(session->hooks_due);
    if (session->leave && wait > HURRY_MS)
        wait = HURRY_MS;
    session_set_time(session, wait, hook_is_late);
}

void session_hurry_hook(struct smtps_session *session)
{
    arm(session);
}

/* ---- asking ---------------------------------------------------------------------------------- */

static void await(struct smtps_session *session)
{
    session->waiting_for_hook = true;
    session_wait(session);
    arm(session);
    stream_watch_end(&session->stream);
}

void session_ask(struct smtps_session *session, enum hook_point point, session_continue_fn *next)
{
    struct module_set *modules = generation_modules(session->generation);
    enum hook_outcome outcome = module_set_validate(modules, point, &session->view);
    if (outcome != HOOK_SUSPENDED) {
        next(session, outcome);
        return;
    }
    session->next = next;
    await(session);
}

void session_hook_resumed(struct imp_call *call, enum hook_outcome outcome)
{
    struct smtps_session *session = container_of(call, struct smtps_session, view.call);
    if (outcome == HOOK_SUSPENDED) { /* the next hook is waited for */
        arm(session);
        return;
    }
    session->waiting_for_hook = false;
    if (session->state == SESSION_CLOSING)
        return;
    stream_unwatch_end(&session->stream);
    session_end_wait(session);
    session->next(session, outcome);
    session_process(session);
}

void session_tell(struct smtps_session *session, enum hook_point point, const void *argument)
{
    struct message *message = session->view.message;
    struct hook_moment moment = {
        .session = &session->view,
        .message = (struct imp_message *)message,
        .recipient = message ? (struct imp_recipient *)message->in_question : NULL,
        .argument = argument,
    };
    if (!hook_call_is_held(&session->view.call)) {
        module_set_tell(generation_modules(session->generation), point, &moment);
        return;
    }
    /* The hook on the pool's thread is to be alone with the session. The end is told when it has returned. */
    session->untold_abort |= point == POINT_SESSION_ABORTED;
    session->untold_end |= point == POINT_SESSION_ENDED;
}

void session_lost(struct smtps_session *session)
{
    hook_call_cancel(&session->view.call);
    session_tell(session, POINT_SESSION_ABORTED, NULL);
    session_abort(session);
}

void session_ended(struct stream *stream)
{
    struct smtps_session *session = container_of(stream, struct smtps_session, stream);
    if (session->waiting_for_hook || session->call)
        session_lost(session);
}
