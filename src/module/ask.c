/*
 * ask: calls a chain of hooks, and judges what they return.
 *
 * The call keeps its place in the chain (next_hook), so that a chain that a hook suspended goes on where it
 * stopped, on the call's loop.
 *
 * What contradicts itself is decided on the safe side: nothing is accepted that a hook wanted to refuse, or
 * may have wanted to.
 */
#include <stdlib.h>
#include <time.h>
#include "module/set.h"

struct hook *hook_call_current(const struct imp_call *call)
{
    return &call->chain->hooks[call->next_hook - 1];
}

/* ---- judging ----------------------------------------------------------------------------------------- */

static void name_nonsense(struct hook *hook, const char *what, const char *taken_as)
{
    paniclog_rated(&hook->nonsense, PANIC_ERROR, "module %s: its hook at %s %s; %s", hook->module->label,
                   hook->runner.what, what, taken_as);
}

static bool may_refuse(const struct imp_call *call)
{
    return call->chain->row->flags & POINT_MAY_REFUSE;
}

static enum hook_outcome refuse(struct imp_call *call)
{
    call->refused_by = hook_call_current(call)->module->definition->name;
    return HOOK_REFUSED;
}

enum hook_outcome hook_call_fail(struct imp_call *call)
{
    hook_reply_set(hook_call_reply(call), 451, "4.3.0", "temporary local problem, please try again later");
    return refuse(call);
}

static enum hook_outcome fail(struct imp_call *call, const char *what)
{
    struct hook *hook = hook_call_current(call);
    if (may_refuse(call)) {
        name_nonsense(hook, what, "refused with 451 4.3.0");
        return hook_call_fail(call);
    }
    name_nonsense(hook, what, "it is passed over");
    return hook_chain_continue(call);
}

static enum hook_outcome take_refusal(struct imp_call *call, int verdict)
{
    struct hook *hook = hook_call_current(call);
    if (!may_refuse(call)) {
        name_nonsense(hook, "refuses where nothing can be refused", "it is passed over");
        hook_call_clear_reply(call);
        return verdict == IMP_DONE ? HOOK_PASS : hook_chain_continue(call);
    }
    if (verdict == IMP_CONT)
        name_nonsense(hook, "called imp_call_reject and returned IMP_CONT", "refused");
    else if (verdict != IMP_DONE)
        name_nonsense(hook, "called imp_call_reject and returned what is no verdict", "refused");
    return refuse(call);
}

enum hook_outcome hook_chain_judge(struct imp_call *call, int verdict)
{
    bool refusal = hook_call_reply_code(call) != 0;
    if (call->suspension && verdict == IMP_AGAIN && !refusal)
        return HOOK_SUSPENDED;
    if (call->suspension) {
        hook_call_cancel(call);
        if (!refusal)
            return fail(call, "called imp_call_suspend and did not return IMP_AGAIN");
        name_nonsense(hook_call_current(call), "called imp_call_suspend and imp_call_reject", "refused");
        return refuse(call);
    }
    if (refusal)
        return take_refusal(call, verdict);
    if (verdict == IMP_CONT)
        return hook_chain_continue(call);
    if (verdict == IMP_AGAIN)
        return fail(call, "returned IMP_AGAIN without a suspension");
    if (verdict != IMP_DONE)
        return fail(call, "returned what is no verdict");
    call->decided = true;
    return HOOK_PASS;
}

/* ---- calling ----------------------------------------------------------------------------------------- */

/* To a few milliseconds, at the price of reading one word. */
static uint64_t coarse_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* Everybody else on the loop waited meanwhile: their time is not to be taken for idleness. */
static void name_slow(struct hook *hook, uint64_t milliseconds)
{
    struct loop *loop = loop_current();
    if (!loop)
        return;
    loop_renew_now(loop);
    paniclog_rated(
        &hook->slow, PANIC_WARNING,
        "module %s: its hook at %s kept an event loop for %llu ms; what blocks belongs on a thread pool "
        "(IMP_HOOK_MAY_BLOCK, imp_call_suspend)",
        hook->module->label, hook->runner.what, (unsigned long long)milliseconds);
}

enum hook_outcome hook_chain_continue(struct imp_call *call)
{
    const struct hook_chain *chain = call->chain;
    unsigned slow = call->set->hook_limits.slow_ms;
    uint64_t before = slow && call->next_hook < chain->count ? coarse_ms() : 0;
    while (call->next_hook < chain->count) {
        struct hook *hook = &chain->hooks[call->next_hook++];
        hook_call_clear_reply(call);
        if (hook->flags & IMP_HOOK_MAY_BLOCK)
            return hook_job_start(call);
        const struct runner *outer = runner_enter(&hook->runner);
        int verdict = (int)hook->run(call, hook->closure);
        runner_leave(outer);
        if (slow) {
            uint64_t now = coarse_ms();
            if (now - before > slow)
                name_slow(hook, now - before);
            before = now;
        }
        if (verdict != IMP_CONT || call->suspension || hook_call_reply_code(call))
            return hook_chain_judge(call, verdict);
    }
    hook_call_clear_reply(call);
    return HOOK_PASS;
}

bool module_set_has_hook(const struct module_set *set, enum hook_point point)
{
    return set->chains[point].count > 0;
}

enum hook_outcome module_set_validate(struct module_set *set, enum hook_point point,
                                      struct imp_session *session)
{
    struct imp_call *call = &session->call;
    struct message *message = session->message;
    call->message = (struct imp_message *)message;
    call->recipient = message ? (struct imp_recipient *)message->in_question : NULL;
    return module_set_ask(set, point, call);
}

enum hook_outcome module_set_ask(struct module_set *set, enum hook_point point, struct imp_call *call)
{
    call->set = set;
    call->chain = &set->chains[point];
    call->next_hook = 0;
    call->refused_by = NULL;
    call->decided = false;
    return hook_chain_continue(call);
}

void module_set_tell(struct module_set *set, enum hook_point point, const struct hook_moment *moment)
{
    struct imp_call call = {
        .session = moment->session,
        .message = moment->message,
        .recipient = moment->recipient,
        .argument = moment->argument,
        .set = set,
        .chain = &set->chains[point],
    };
    if (call.chain->count == 0)
        return;
    hook_chain_continue(&call);
    free(call.reply);
}
