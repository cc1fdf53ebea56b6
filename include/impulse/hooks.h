/*
 * impulse/hooks.h: points at which a module is asked or told, by name; and points that a module adds.
 *
 * A point is a moment with a name: Momentum's where Momentum has that moment ("validate_rcptto"), else our own. The
 * console command `module hooks` lists the points and who hooks them, in order; `module hooks NAME` those of one point,
 * or of one module. The hooks of a point are called by priority, then in order of registration.
 *
 * Thread: the hooks of a session's points run on the session's event-loop thread: several sessions at once, never the
 * same session twice at once; those of message_sending on the queue's. There they must not block: suspend
 * (imp_call_suspend), or register the hook with IMP_HOOK_MAY_BLOCK, which runs it on a thread pool while the session,
 * or the attempt to deliver, is suspended. A hook that keeps a loop for longer than module_hook_slow_time is named in
 * the paniclog.
 * Source: Momentum 4 manual, "Policy", "Hook points", module hooks.
 *
 *     static enum imp_verdict at_rcptto(struct imp_call *call, void *closure)
 *     {
 *         if (strcmp(imp_session_recipient_domain(imp_call_session(call)), "example.com") != 0)
 *             return IMP_CONT;
 *         imp_call_reject(call, 550, "5.7.1", "not for that domain");
 *         return IMP_DONE;
 *     }
 *     ... in setup:
 *     return imp_hook_at(module, "validate_rcptto", at_rcptto, NULL);
 */
#ifndef IMPULSE_HOOKS_H
#define IMPULSE_HOOKS_H

#include "impulse/log.h"
#include "impulse/module.h"
#include "impulse/session.h"

#ifdef __cplusplus
extern "C" {
#endif

/*
 * ---- the points of the daemon -------------------------------------------------------------------------------
 *
 * Asked of a session, on its event-loop thread; a hook may refuse and may suspend:
 *
 *   validate_connect               a client has connected, before the greeting
 *   validate_ehlo                  EHLO or HELO
 *   validate_auth                  AUTH, when the passwords have been looked at
 *   validate_mailfrom              MAIL FROM
 *   validate_rcptto                RCPT TO
 *   validate_data                  the content has arrived and is not stored yet
 *   validate_data_spool            after validate_data
 *   validate_data_spool_each_rcpt  once for each accepted recipient. A refusal with 5xx concerns this recipient: while
 *                                  another one is accepted the client is answered 250, and the sender gets a
 *                                  notification. One with 4xx answers the message.
 *   validate_set_binding           as before, after it: chooses the binding; a refusal likewise
 *
 * Asked of an attempt to deliver, on the event loop of the queue; a hook may refuse and may suspend:
 *
 *   message_sending                an attempt is about to be made: over a connection to the next hop, before MAIL; by a
 *                                  delivery method of a module, before it is called
 *
 * imp_call_message gives the message with the recipients of this attempt; its header and body can be edited, for this
 * attempt alone (message.h). The argument is a struct imp_moment, whose record is that of the first recipient, with the
 * address of the next hop and the id of the connection if there are such, and which names the host. There is no
 * session. A refusal concerns all recipients of the attempt: with 4xx they are tried again later, with 5xx they are
 * given up; the mainlog has it as the response. If a hook is late (imp_call_suspend) or answers nonsense they are tried
 * again later. The connection waits as long as a hook does. If the next hop hangs up meanwhile, or the daemon stops,
 * `cancelled` is called and nothing is sent. Edits are forgotten at the end of every attempt, whatever its result.
 *
 * Told, not asked; a hook can neither refuse nor suspend, and IMP_DONE keeps the following hooks from being told:
 *
 *   core_post_validate_set_binding       a hook has chosen a recipient's binding. Argument: struct imp_binding_choice
 *   core_inbound_smtp_tls_post_accept    a client has completed a TLS handshake
 *   core_server_esmtp_session_abort      a client has left without QUIT, or its connection broke
 *   core_dec_inbound_connections         an SMTP connection ends, whoever ends it
 *   core_ec_message_enqueue              a recipient's copy is in the spool and enters its queue (any thread)
 *   message_attempted                    an attempt has ended, with a result (queue's event loop, and so the next)
 *   core_pre_mail_queue_message_requeue  after a transient failure, before it waits for the next attempt
 *   message_gone                         it was delivered or given up, and leaves the spool (any thread)
 *   core_control_shutdown                the daemon begins to stop (main thread)
 *
 * The argument of those about messages is a struct imp_moment; they have neither a session nor an imp_message.
 */

struct imp_binding_choice { /* texts are valid during the call */
    size_t size;            /* sizeof(struct imp_binding_choice), as the daemon has it */
    const char *binding;
    const char *group; /* "" for none */
};

enum imp_moment_result {
    IMP_MOMENT_NONE, /* nothing was tried yet */
    IMP_MOMENT_DELIVERED,
    IMP_MOMENT_TRANSIENT, /* it will be tried again */
    IMP_MOMENT_PERMANENT, /* refused for good, or given up */
};

/*
 * A moment of one recipient's copy; texts are valid during the call (and while it is suspended), counted, and not
 * NUL-terminated.
 */
struct imp_moment {
    size_t size; /* sizeof(struct imp_moment), as the daemon has it */
    enum imp_moment_result result;
    /*
     * What the mainlog says of it. Before an attempt `response` and `peer` are empty and `connection_id` is 0; only at
     * message_sending the last two are those of the attempt.
     */
    const struct imp_log_delivery *record;
    /*
     * What applies to the binding and domain of the copy: imp_policy_get (config.h) finds in it what the module's
     * outbound_policy kept. NULL: no module keeps anything. Since 2.0.
     */
    const struct imp_policy *policy;
    /*
     * For message_sending and after an attempt, by SMTP or LMTP: the host that is tried, as the MX record or the route
     * names it (its address, if it names an address). Empty otherwise, for a Unix socket, and when there was no host to
     * try.
     */
    struct imp_text host;
    /* What applies to that host: there is what the module's host_policy kept. NULL: no host, or no module keeps
     * anything. Both since 2.0. */
    const struct imp_policy *host_policy;
};

enum imp_verdict {
    IMP_CONT = 0, /* no objection: ask the next hook */
    IMP_DONE = 1, /* decided: refused after imp_call_reject, else accepted; no further hook is asked */
    IMP_AGAIN = 2 /* suspended: imp_call_suspend was called */
};

/*
 * A hook. What contradicts itself is decided on the safe side and named in the paniclog: IMP_CONT after
 * imp_call_reject refuses; a value that is no verdict, IMP_AGAIN without imp_call_suspend, and imp_call_suspend without
 * IMP_AGAIN are answered 451 4.3.0.
 */
typedef enum imp_verdict imp_hook_fn(struct imp_call *call, void *closure);

enum { IMP_PRIORITY_FIRST = -1000, IMP_PRIORITY_NORMAL = 0, IMP_PRIORITY_LAST = 1000 };

enum imp_hook_flags {
    /*
     * The hook may block: it runs on a thread of `pool` while the session is suspended, and may call everything that a
     * hook may call but imp_call_suspend. Only for points that may suspend. It is not called when the client leaves, or
     * the deadline comes, before a thread of the pool is free.
     */
    IMP_HOOK_MAY_BLOCK = 1,
};

struct imp_hook {
    size_t size;       /* sizeof(struct imp_hook) */
    const char *point; /* copied */
    imp_hook_fn *run;
    void *closure;
    int priority;         /* IMP_PRIORITY_FIRST to IMP_PRIORITY_LAST; 0 is normal */
    unsigned flags;       /* enum imp_hook_flags */
    unsigned deadline_ms; /* how long a suspension may last; 0: module_hook_timeout. See imp_call_suspend. */
    const char *pool;     /* IMP_HOOK_MAY_BLOCK: a ThreadPool's name, copied; NULL: "IO" */
};

/*
 * Registers a hook of this instance; only from setup; the struct is copied. A point that a module declares may be named
 * before that module is set up. Returns 0, or -1 with a line in imp_module_error. A hook that cannot be registered, or
 * whose point nobody has, stops the start (or the reload), whatever setup returns.
 */
IMP_API int imp_hook_add(struct imp_module *module, const struct imp_hook *hook);

/* The same with normal priority and the default deadline. */
static inline int imp_hook_at(struct imp_module *module, const char *point, imp_hook_fn *run, void *closure)
{
    struct imp_hook hook = {sizeof(struct imp_hook), point, run, closure, IMP_PRIORITY_NORMAL, 0, 0, NULL};
    return imp_hook_add(module, &hook);
}

/* ---- one call of a hook ------------------------------------------------------------------------------------ */

/*
 * What it is about. Valid until the hook returns (or, when it suspended, until the suspension is resumed or `cancelled`
 * has returned); only from within the hook.
 */
IMP_API struct imp_session *imp_call_session(struct imp_call *call);     /* NULL where there is none */
IMP_API struct imp_message *imp_call_message(struct imp_call *call);     /* NULL where there is none */
IMP_API struct imp_recipient *imp_call_recipient(struct imp_call *call); /* the one in question, else NULL */
/* What the point passes; `module hooks` and the point's documentation say what that is. NULL: nothing. */
IMP_API const void *imp_call_argument(struct imp_call *call);

/*
 * Sets the reply with which the command is refused; return IMP_DONE afterwards. `code` 400-599, another one becomes
 * 550; `enhanced` such as "5.7.1", of at most 11 bytes, or NULL for none; `text` is one line of at most 479 bytes.
 * Both are copied, control bytes replaced by '?'. Only from within the hook, on its thread; the last call counts. At a
 * point that is told, not asked, nothing is refused: module and hook are named in the paniclog, at most once a minute.
 */
IMP_API void imp_call_reject(struct imp_call *call, int code, const char *enhanced, const char *text);

struct imp_suspension; /* the right, and the duty, to resume a call once */

/*
 * Suspends: call it, hand the result to whoever will find the answer, and return IMP_AGAIN. A suspended session costs
 * no thread.
 *
 * A suspension always ends: with imp_suspension_resume, when the client leaves (the next hop, at message_sending), or
 * at the deadline (deadline_ms of the hook, else module_hook_timeout), at which the client is answered 451 4.3.0 and
 * the paniclog names module and hook. Without a resume `cancelled` (may be NULL) is then called with `closure`, once,
 * on the event-loop thread of the call: nobody waits for the answer any more. It must not block. The handle is still to
 * be resumed, which is harmless then, and may be done from within `cancelled`. `cancelled` is not called once
 * imp_suspension_resume has returned on this thread, but may be running while another thread resumes.
 *
 * NULL, and named in the paniclog, where a call cannot be suspended: at a point that is told, in a hook with
 * IMP_HOOK_MAY_BLOCK, twice in one hook; and where as many calls are suspended as module_max_suspensions allows: let the
 * hook return IMP_AGAIN all the same, and the client is answered 451 4.3.0.
 */
IMP_API struct imp_suspension *imp_call_suspend(struct imp_call *call, void (*cancelled)(void *closure),
                                                void *closure);
/*
 * Resumes, once, from any thread; the handle is invalid afterwards. `verdict` is IMP_CONT (the next hook is asked) or
 * IMP_DONE. With IMP_DONE the command is refused with the reply given (code 0: accepted, no further hook is asked);
 * code, enhanced and text as for imp_call_reject. IMP_CONT with a code, and a verdict that is none, refuse. A handle
 * that was resumed before, and NULL, are ignored and named in the paniclog.
 */
IMP_API void imp_suspension_resume(struct imp_suspension *suspension, int verdict, int code,
                                   const char *enhanced, const char *text);

/* ---- points of a module's own ------------------------------------------------------------------------------ */

struct imp_point; /* valid as long as the instance that declared it */

enum imp_point_flags {
    IMP_POINT_MAY_REFUSE = 1, /* its hooks may call imp_call_reject */
};

struct imp_point_row {
    size_t size;      /* sizeof(struct imp_point_row) */
    const char *name; /* copied; by convention "MODULE_MOMENT": letters, digits, '_' */
    const char *help; /* one line for `module hooks`: when it is called and what its argument is; copied */
    unsigned flags;   /* enum imp_point_flags */
};

/*
 * Declares a point that other modules (and this one) can hook; only from setup. NULL with a line in imp_module_error:
 * the name is taken or is none.
 */
IMP_API struct imp_point *imp_point_declare(struct imp_module *module, const struct imp_point_row *row);

struct imp_refusal {
    size_t size; /* sizeof(struct imp_refusal), set by the caller */
    int code;    /* 0: nobody refused */
    char enhanced[12];
    char text[480];
    const char *module; /* the name of the module that refused; static */
};

struct imp_point_call {
    size_t size;                 /* sizeof(struct imp_point_call) */
    struct imp_session *session; /* what the hooks are told it is about; each may be NULL */
    struct imp_message *message;
    struct imp_recipient *recipient;
    const void *argument;        /* imp_call_argument; NULL: none */
    struct imp_refusal *refusal; /* filled in when a hook refuses; NULL: not wanted */
};

/* Does anybody hook the point? Lets the caller skip preparing. Any thread. */
IMP_API bool imp_point_is_hooked(const struct imp_point *point);
/*
 * Calls the point's hooks on this thread, one after the other; they cannot suspend. Any thread that may use what `what`
 * refers to. Returns IMP_CONT when nobody decided, IMP_DONE when a hook did; then refusal->code says whether it
 * refused.
 */
IMP_API enum imp_verdict imp_point_call(struct imp_point *point, const struct imp_point_call *what);

/* ---- blocking work ----------------------------------------------------------------------------------------- */

/*
 * Runs `work(argument)` on a thread of the named ThreadPool (NULL: "IO"), where it may block. The instance is not
 * torn down before `work` has returned. Any thread. 0, or -1 when there is no such pool, when as many jobs wait as its
 * Backlog allows, or when the process ends: `work` will then not be called. imp_job_start (loop.h) can do more.
 */
IMP_API int imp_work_submit(struct imp_module *module, const char *pool, void (*work)(void *argument),
                            void *argument);

#ifdef __cplusplus
}
#endif
#endif
