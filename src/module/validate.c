/*
 * validate: the hook chains that decide about a session.
 *
 * A chain is an array in the order of asking. The session keeps its place in it (next_hook), so a chain that
 * a hook suspended goes on where it stopped, on the session's loop.
 */
#include "base/mem.h"
#include "log/paniclog.h"
#include "module/set.h"

static const char *const point_names[IMP_HOOK_POINTS] = {
    [IMP_VALIDATE_CONNECT] = "validate_connect",
    [IMP_VALIDATE_EHLO] = "validate_ehlo",
    [IMP_VALIDATE_AUTH] = "validate_auth",
    [IMP_VALIDATE_MAILFROM] = "validate_mailfrom",
    [IMP_VALIDATE_RCPTTO] = "validate_rcptto",
    [IMP_VALIDATE_DATA] = "validate_data",
    [IMP_VALIDATE_DATA_SPOOL] = "validate_data_spool",
    [IMP_VALIDATE_DATA_SPOOL_EACH_RCPT] = "validate_data_spool_each_rcpt",
    [IMP_VALIDATE_SET_BINDING] = "validate_set_binding",
};

int imp_hook_validate(struct imp_module *module, enum imp_hook_point point, imp_validate_fn *hook,
                      int priority)
{
    if (!module->in_setup || !hook || (unsigned)point >= IMP_HOOK_POINTS || priority < IMP_PRIORITY_FIRST ||
        priority > IMP_PRIORITY_LAST)
        return -1;
    struct hook_chain *chain = &module->set->chains[point];
    chain->hooks = mem_resize(chain->hooks, (chain->count + 1) * sizeof *chain->hooks);
    size_t at = chain->count++;
    for (; at > 0 && chain->hooks[at - 1].priority > priority; at--)
        chain->hooks[at] = chain->hooks[at - 1];
    chain->hooks[at] = (struct hook){.call = hook, .module = module, .priority = priority};
    return 0;
}

bool module_set_has_hook(const struct module_set *set, enum imp_hook_point point)
{
    return set->chains[point].count > 0;
}

static void complain(struct hook *hook, const char *point, const char *what)
{
    if (!atomic_exchange_explicit(&hook->complained, true, memory_order_relaxed))
        paniclog(PANIC_ERROR, "%s: its %s hook %s; taken as IMP_CONT, and not reported again",
                 hook->module->label, point, what);
}

/* What a hook's verdict amounts to; HOOK_PASS with *next means that the next hook is asked. */
static enum hook_outcome judge(struct imp_session *session, struct hook *hook, int verdict, bool *next)
{
    const char *point = point_names[session->point];
    *next = false;
    if (verdict == IMP_AGAIN && session->awaited_by)
        return HOOK_SUSPENDED;
    if (session->awaited_by) {
        complain(hook, point, "suspended the session but did not return IMP_AGAIN");
        imp_session_forget_suspension(session);
        verdict = IMP_CONT;
    }
    if (verdict == IMP_DONE) {
        session->decided = imp_session_reply_code(session) == 0;
        if (session->decided)
            return HOOK_PASS;
        session->refused_by = hook->module->definition->name;
        return HOOK_REFUSED;
    }
    if (verdict == IMP_AGAIN)
        complain(hook, point, "returned IMP_AGAIN without suspending the session");
    else if (verdict != IMP_CONT)
        complain(hook, point, "returned something that is no verdict");
    *next = true;
    return HOOK_PASS;
}

enum hook_outcome hook_chain_continue(struct imp_session *session)
{
    struct hook_chain *chain = &session->modules->chains[session->point];
    while (session->next_hook < chain->count) {
        struct hook *hook = &chain->hooks[session->next_hook++];
        bool next;
        imp_session_clear_reply(session);
        int verdict = (int)hook->call(session, hook->module);
        enum hook_outcome outcome = judge(session, hook, verdict, &next);
        if (!next)
            return outcome;
    }
    imp_session_clear_reply(session);
    return HOOK_PASS;
}

enum hook_outcome module_set_validate(struct module_set *set, enum imp_hook_point point,
                                      struct imp_session *session)
{
    session->modules = set;
    session->point = point;
    session->next_hook = 0;
    session->refused_by = NULL;
    session->decided = false;
    return hook_chain_continue(session);
}
