/*
 * call: what a hook may read of its call, and the refusal that it asks for.
 */
#include "module/call.h"

#include <stdlib.h>
#include "base/mem.h"
#include "base/reply_code.h"
#include "module/set.h"

struct hook_reply *hook_call_reply(struct imp_call *call)
{
    if (!call->reply)
        call->reply = mem_new(struct hook_reply);
    return call->reply;
}

unsigned hook_call_deadline_ms(const struct imp_call *call)
{
    unsigned deadline = hook_call_current(call)->deadline_ms;
    return deadline ? deadline : call->set->hook_limits.timeout * 1000;
}

uint64_t hook_call_wait_ms(const struct imp_call *call)
{
    return call->job ? hook_job_wait_ms(call->job) : suspension_wait_ms(call->suspension);
}

void hook_call_cancel(struct imp_call *call)
{
    struct suspension *suspension = call->suspension;
    call->suspension = NULL;
    if (suspension)
        suspension_cancel(suspension);
    if (call->job)
        hook_job_take_back(call->job);
}

void hook_call_name_late(const struct imp_call *call, const char *limit)
{
    struct hook *hook = hook_call_current(call);
    if (call->job && !hook_job_has_begun(call->job))
        hook_job_name_waiting(call->job, limit);
    else
        paniclog_rated(&hook->late, PANIC_ERROR, "module %s: its hook at %s did not answer %s",
                       hook->module->label, hook->runner.what, limit);
}

void hook_call_abandon(struct imp_call *call, void (*released)(struct imp_call *call))
{
    hook_job_abandon(call->job, released);
}

void hook_call_release(struct imp_call *call)
{
    hook_call_cancel(call);
    free(call->reply);
    call->reply = NULL;
}

struct imp_session *imp_call_session(struct imp_call *call)
{
    return call->session;
}

struct imp_message *imp_call_message(struct imp_call *call)
{
    return call->message;
}

struct imp_recipient *imp_call_recipient(struct imp_call *call)
{
    return call->recipient;
}

const void *imp_call_argument(struct imp_call *call)
{
    return call->argument;
}

void hook_reply_set(struct hook_reply *reply, int code, const char *enhanced, const char *text)
{
    reply->code = reply_code_is_refusal((unsigned)code) ? code : 550;
    slice_copy_printable(reply->enhanced, sizeof reply->enhanced, slice_text(enhanced));
    slice_copy_printable(reply->text, sizeof reply->text, slice_text(text));
}

void imp_call_reject(struct imp_call *call, int code, const char *enhanced, const char *text)
{
    hook_reply_set(hook_call_reply(call), code, enhanced, text);
}
