/*
 * smtps_call: see smtps_call.h. Only the session's loop thread looks at the link between session and call; an
 * answer is written into the call, which is then posted to that loop.
 */
#include "smtp/server/smtps_call.h"

#include <stdio.h>
#include "base/mem.h"
#include "event/late_gate.h"
#include "log/paniclog.h"
#include "module/runner.h"
#include "smtp/server/extension.h"
#include "smtp/server/worker.h"

enum { HURRY_MS = 5000 }; /* what a module gets when the server drains */

static struct late_gate gate;

struct smtps_call {
    struct smtps_session *session; /* NULL: it has left */
    const struct smtps_verb *verb; /* of `set` */
    struct loop *loop;
    struct module_set *set; /* a reference */
    char *arguments;
    void (*cancelled)(struct smtps_call *call, void *closure);
    void *cancelled_closure;
    void (*release)(void *closure);
    void *release_closure;
    _Atomic bool answered;
    int code;
    char enhanced[12];
    char *text;
    struct loop_task task;
};

/* ---- answering ------------------------------------------------------------------------------- */

/* All lines but the last; which that is, is returned. */
static const char *send_first_lines(struct smtps_session *session, const struct smtps_call *call)
{
    struct buf *out = &session->stream.out;
    bool enhanced = session->policy->extensions & EXTENSION_ENHANCEDSTATUSCODES && call->enhanced[0];
    const char *line = call->text;
    for (const char *end; (end = strchr(line, '\n')); line = end + 1) {
        buf_printf(out, "%d-%s%s", call->code, enhanced ? call->enhanced : "", enhanced ? " " : "");
        buf_append_printable(out, slice_of(line, (size_t)(end - line)));
        buf_append_text(out, "\r\n");
    }
    return line;
}

static void send_answer(struct smtps_session *session, const struct smtps_call *call)
{
    struct smtps_reply reply = {call->code, call->enhanced, send_first_lines(session, call)};
    session_reply_as(session, &reply, call->verb->module);
    if (call->code == 221 || call->code == 421)
        session_close(session);
    else
        session_process(session);
}

static void deliver(struct loop_task *task)
{
    struct smtps_call *call = container_of(task, struct smtps_call, task);
    struct smtps_session *session = call->session;
    struct module_set *set = call->set;
    if (session) {
        session->call = NULL;
        stream_unwatch_end(&session->stream);
        session_end_wait(session);
        send_answer(session, call);
    }
    if (call->release) {
        struct runner runner = {call->verb->module, "the release function of its SMTP command",
                                call->verb->verb};
        const struct runner *outer = runner_enter(&runner);
        call->release(call->release_closure);
        runner_leave(outer);
    }
    free(call->arguments);
    free(call->text);
    free(call);
    module_set_unref(set);
}

/* Detects a second answer only until the first one is delivered, because the call is freed then. */
static bool is_first(struct smtps_call *call)
{
    if (!atomic_exchange(&call->answered, true))
        return true;
    paniclog(PANIC_CRITICAL, "module %s: the SMTP command %s was answered twice; the second time is ignored",
             call->verb->module, call->verb->verb);
    return false;
}

void smtps_call_reply(struct smtps_call *call, int code, const char *enhanced, const char *text)
{
    bool sound = (code >= 200 && code < 300) || (code >= 400 && code < 600);
    if (!is_first(call))
        return;
    call->code = sound ? code : 451;
    slice_copy_printable(call->enhanced, sizeof call->enhanced, slice_text(sound ? enhanced : NULL));
    call->text = mem_dup(text ? text : "");
    call->task.run = deliver;
    late_gate_post(&gate, call->loop, &call->task);
}

void smtp_server_close_calls(void)
{
    late_gate_close(&gate);
}

/* ---- the session ----------------------------------------------------------------------------- */

static void on_deadline(struct smtps_session *session)
{
    static const struct smtps_reply late = {451, "4.3.0", "the command was not answered in time"};
    const struct smtps_verb *verb = session->call->verb;
    stream_unwatch_end(&session->stream);
    paniclog(PANIC_ERROR,
             "module %s: the SMTP command %s was not answered in time (%u ms): the client is told 451",
             verb->module, verb->verb, verb->deadline_ms);
    session_end_wait(session);
    session_reply_as(session, &late, verb->module);
    smtps_call_cancel(session);
    session_process(session);
}

void smtps_call_start(struct smtps_session *session, const struct smtps_verb *verb, struct slice arguments)
{
    struct smtps_call *call = mem_new(struct smtps_call);
    call->session = session;
    call->verb = verb;
    call->loop = session->worker->loop;
    call->set = module_set_ref(generation_modules(session->generation));
    call->arguments = mem_copy_text(arguments.data, arguments.size);
    session->call = call;
    session_wait(session);
    session_set_time(session, verb->deadline_ms, on_deadline);
    stream_watch_end(&session->stream);
    verb->start(call, slice_text(call->arguments), verb->closure);
}

void smtps_call_hurry(struct smtps_session *session)
{
    if (session->call->verb->deadline_ms > HURRY_MS)
        session_set_time(session, HURRY_MS, on_deadline);
}

void smtps_call_cancel(struct smtps_session *session)
{
    struct smtps_call *call = session->call;
    if (!call)
        return;
    session->call = NULL;
    call->session = NULL;
    if (!call->cancelled)
        return;
    struct runner runner = {call->verb->module, "the cancel function of its SMTP command", call->verb->verb};
    const struct runner *outer = runner_enter(&runner);
    call->cancelled(call, call->cancelled_closure);
    runner_leave(outer);
}

/* ---- the module ------------------------------------------------------------------------------ */

struct imp_session *smtps_call_session(struct smtps_call *call)
{
    return call->session ? &call->session->view : NULL;
}

void smtps_call_on_cancel(struct smtps_call *call, void (*cancelled)(struct smtps_call *call, void *closure),
                          void *closure)
{
    call->cancelled = cancelled;
    call->cancelled_closure = closure;
}

void smtps_call_at_end(struct smtps_call *call, void (*release)(void *closure), void *closure)
{
    call->release = release;
    call->release_closure = closure;
}
