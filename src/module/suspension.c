/*
 * suspension: a session that waits for an answer from another thread.
 *
 * The module that suspends owns the suspension until it resumes it, then the loop does. Only the session's
 * loop thread looks at the link between the two, so a session that ends first just cuts it, and resuming
 * needs no lock: it writes the answer into the suspension and posts it. Because the task runs in a later turn
 * of the loop, it is no matter if the answer is there before the hook has returned. A suspension holds a
 * reference to the module set: the code that will resume is still running then.
 */
#include <sched.h>
#include <stdatomic.h>
#include "base/mem.h"
#include "module/set.h"

/*
 * The end of the process: a module's own thread may still resume a session that has long been hung up, when
 * the loops are gone. What comes then is kept where nobody looks, because its module must not be freed
 * either.
 */
static struct {
    _Atomic bool closed;
    _Atomic unsigned posting; /* threads that are past the question */
    _Atomic(struct imp_suspension *) late;
} gate;

struct imp_suspension {
    struct imp_session *session; /* NULL once nobody waits; loop thread only */
    struct loop *loop;
    struct module_set *set;
    const char *module; /* name of the one that suspended */
    int verdict;
    bool refused;
    struct hook_reply reply;
    struct loop_task task;
    struct imp_suspension *later; /* in gate.late */
};

struct imp_suspension *imp_session_suspend(struct imp_session *session)
{
    imp_session_forget_suspension(session); /* an earlier one of the same hook */
    struct hook_chain *chain = &session->modules->chains[session->point];
    struct imp_suspension *suspension = mem_new(struct imp_suspension);
    suspension->session = session;
    suspension->loop = session->loop;
    suspension->set = module_set_ref(session->modules);
    suspension->module = chain->hooks[session->next_hook - 1].module->definition->name;
    session->awaited_by = &suspension->session;
    return suspension;
}

static enum hook_outcome outcome_of(struct imp_suspension *suspension, struct imp_session *session)
{
    if (suspension->verdict != IMP_DONE)
        return hook_chain_continue(session);
    if (!suspension->refused) {
        imp_session_clear_reply(session);
        session->decided = true;
        return HOOK_PASS;
    }
    *imp_session_reply(session) = suspension->reply;
    session->refused_by = suspension->module;
    return HOOK_REFUSED;
}

static void deliver_answer(struct loop_task *task)
{
    struct imp_suspension *suspension = container_of(task, struct imp_suspension, task);
    struct imp_session *session = suspension->session;
    struct module_set *set = suspension->set;
    if (session) {
        session->awaited_by = NULL;
        enum hook_outcome outcome = outcome_of(suspension, session);
        if (outcome != HOOK_SUSPENDED)
            session->resumed(session, outcome);
    }
    free(suspension);
    module_set_unref(set);
}

void imp_suspension_resume(struct imp_suspension *suspension, int verdict, int code, const char *enhanced,
                           const char *text)
{
    suspension->verdict = verdict;
    suspension->refused = verdict == IMP_DONE && code != 0;
    if (suspension->refused)
        hook_reply_set(&suspension->reply, code, enhanced, text);
    suspension->task.run = deliver_answer;
    atomic_fetch_add(&gate.posting, 1);
    if (!atomic_load(&gate.closed))
        loop_post(suspension->loop, &suspension->task);
    else
        suspension->later = atomic_exchange(&gate.late, suspension);
    atomic_fetch_sub(&gate.posting, 1);
}

void module_suspensions_close(void)
{
    atomic_store(&gate.closed, true);
    while (atomic_load(&gate.posting) > 0)
        sched_yield();
}
