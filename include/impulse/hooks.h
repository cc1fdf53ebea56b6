/*
 * impulse/hooks.h: the points at which a module is asked, or told.
 *
 * Names and order are Momentum's (manual, "Policy" and "Hook points"). Hooks of one point are asked in order of
 * priority, then of registration. Hooks run on event-loop threads: several sessions at once, never the same session
 * twice at once. They must not block; suspend instead (session.h) or hand work to imp_work_submit.
 */
#ifndef IMPULSE_HOOKS_H
#define IMPULSE_HOOKS_H

#include "impulse/module.h"
#include "impulse/session.h"

#ifdef __cplusplus
extern "C" {
#endif

enum imp_hook_point {
    IMP_VALIDATE_CONNECT,
    IMP_VALIDATE_EHLO,
    IMP_VALIDATE_AUTH,
    IMP_VALIDATE_MAILFROM,
    IMP_VALIDATE_RCPTTO,
    IMP_VALIDATE_DATA,                  /* content received, before it is stored */
    IMP_VALIDATE_DATA_SPOOL,
    /*
     * Both once per recipient that RCPT accepted, with rcptto_string, _localpart and _domain of it in the message
     * context. A refusal with 5xx is about this recipient: while another one is accepted the client hears 250, and
     * the sender gets a notification. One with 4xx answers the message.
     */
    IMP_VALIDATE_DATA_SPOOL_EACH_RCPT,
    IMP_VALIDATE_SET_BINDING,
    IMP_HOOK_POINTS
};

enum imp_verdict {
    IMP_CONT = 0, /* no objection: ask the next */
    IMP_DONE = 1, /* decided: refused if imp_session_reject was called, else accepted; nobody else is asked */
    IMP_AGAIN = 2 /* suspended: imp_session_suspend was called */
};

typedef enum imp_verdict imp_validate_fn(struct imp_session *session, struct imp_module *module);

enum { IMP_PRIORITY_FIRST = 0, IMP_PRIORITY_NORMAL = 500, IMP_PRIORITY_LAST = 1000 };

/* Registers a hook of this instance; only from setup. 0, or -1 for a bad point or priority. */
IMP_API int imp_hook_validate(struct imp_module *module, enum imp_hook_point point, imp_validate_fn *hook,
                              int priority);

/*
 * Runs `work(argument)` on a thread of the named ThreadPool (NULL: "IO"), where it may block. The instance is not
 * torn down before `work` has returned. Any thread. 0, or -1 when there is no such pool or, called on an event-loop
 * thread, when as many jobs wait as the pool's Backlog allows: `work` will then not be called.
 */
IMP_API int imp_work_submit(struct imp_module *module, const char *pool, void (*work)(void *argument),
                            void *argument);

#ifdef __cplusplus
}
#endif
#endif
