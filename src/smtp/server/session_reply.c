/*
 * session_reply: queues the replies of a session, logs rejections and counts them.
 *
 * The rejectlog names the module that decided a rejection, or "core".
 */
#include "smtp/server/session.h"

#include <stdarg.h>
#include <stdio.h>
#include "base/reply_code.h"
#include "smtp/server/extension.h"
#include "smtp/server/rejection.h"
#include "smtp/server/smtps_metrics.h"
#include "smtp/server/worker.h"

enum { ERRORS_MAX = 100 }; /* maximum rejected commands before the session is closed */

static void log_rejection(struct smtps_session *session, const struct smtps_reply *reply, const char *module)
{
    struct message *message = session->view.message;
    const struct slice none = slice_of(NULL, 0);
    bool held = session->held; /* a hook may be writing to the contexts */
    struct rejection rejection = {
        .reply = reply,
        .module = module,
        .phase = session->protocol->phase(session),
        .policy = session->policy,
        .connection_id = session->view.id,
        .peer = &session->view.peer,
        .local = &session->view.local,
        .connection_context = held ? none : context_pairs(&session->view.connection_context),
        .message_context = message && !held ? context_pairs(message_context(message)) : none,
    };
    rejection_log(generation_modules(session->generation), &rejection);
}

/* Returns whether a rejection concerns a message or a recipient, as opposed to a command out of order. */
static bool is_about_message(const struct smtps_session *session)
{
    return session->transaction || slice_starts_nocase(session->command, SLICE_LITERAL("MAIL "));
}

void session_reply_again(struct smtps_session *session, const struct smtps_reply *reply)
{
    reply_format(reply, session->policy->extensions & EXTENSION_ENHANCEDSTATUSCODES, &session->stream.out);
}

void session_reply_as(struct smtps_session *session, const struct smtps_reply *reply, const char *module)
{
    bool refusal = reply_code_is_refusal((unsigned)reply->code);
    if (refusal)
        log_rejection(session, reply, module);
    if (refusal && is_about_message(session))
        smtps_metrics_refused(reply->code);
    session_reply_again(session, reply);
}

void session_reply(struct smtps_session *session, const struct smtps_reply *reply)
{
    session_reply_as(session, reply, "core");
}

static struct smtps_reply hook_refusal(const struct smtps_session *session)
{
    const struct hook_reply *asked = session->view.call.reply;
    return hook_call_reply_code(&session->view.call)
               ? (struct smtps_reply){asked->code, asked->enhanced, asked->text}
               : reply_policy_refused;
}

static const char *hook_refuser(const struct smtps_session *session)
{
    return session->view.call.refused_by ? session->view.call.refused_by : "core";
}

void session_reply_hook(struct smtps_session *session)
{
    struct smtps_reply reply = hook_refusal(session);
    session_reply_as(session, &reply, hook_refuser(session));
}

void session_log_hook_refusal(struct smtps_session *session)
{
    struct smtps_reply reply = hook_refusal(session);
    log_rejection(session, &reply, hook_refuser(session));
    smtps_metrics_refused(reply.code);
}

void session_replyf(struct smtps_session *session, int code, const char *enhanced, const char *format, ...)
{
    char text[512];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    session_reply_as(session, &(struct smtps_reply){code, enhanced, text}, "core");
}

void session_count_error(struct smtps_session *session)
{
    if (++session->errors < ERRORS_MAX)
        return;
    session_reply(session, &reply_too_many_errors);
    session_close(session);
}

void session_refuse(struct smtps_session *session, const struct smtps_reply *reply)
{
    session_refuse_as(session, reply, "core");
}

void session_refuse_as(struct smtps_session *session, const struct smtps_reply *reply, const char *module)
{
    session_reply_as(session, reply, module);
    session_count_error(session);
}
