/*
 * impulse/smtp.h: extensions of SMTP, and commands, that a module adds to the server.
 *
 *     static void xlookup(struct imp_smtp_call *call, const char *arguments, void *closure)
 *     {
 *         imp_smtp_reply(call, 250, "2.0.0", "found");
 *     }
 *     ... in setup:
 *     return imp_smtp_add(module, &(struct imp_smtp_extension){.size = sizeof(struct imp_smtp_extension),
 *                                                              .keyword = "XLOOKUP", .verb = "XLOOKUP", .run = xlookup});
 *
 * EHLO then says "250-XLOOKUP", and the command XLOOKUP is asked of the module. The server's own commands are found
 * first and cost no more than without it. Source: RFC 5321 section 2.2 (extensions; keywords of private use begin with
 * X by convention).
 */
#ifndef IMPULSE_SMTP_H
#define IMPULSE_SMTP_H

#include "impulse/session.h"

#ifdef __cplusplus
extern "C" {
#endif

struct imp_smtp_call; /* a command that is being answered; valid until imp_smtp_reply */

/*
 * Begins a command, on the session's event-loop thread; must not block. It is to be answered with imp_smtp_reply, once,
 * now or later; the session waits until then, and costs no thread. `arguments` is what follows the verb and one space,
 * without trailing blanks; "" for nothing; valid as long as the call.
 */
typedef void imp_smtp_fn(struct imp_smtp_call *call, const char *arguments, void *closure);

enum imp_smtp_flags {
    /* Offered, and the command taken, only where SMTP_Extensions names the keyword (for a Listen, a Peer, ...). The
     * manifest then says `provides = smtp_extension.KEYWORD`, so that configurations can be checked. */
    IMP_SMTP_WHEN_NAMED = 1,
    IMP_SMTP_NO_ARGUMENTS = 2, /* an argument of the command is refused by the server with 501 5.5.4 */
};

struct imp_smtp_extension {
    size_t size;         /* sizeof(struct imp_smtp_extension) */
    const char *keyword; /* in EHLO's answer: letters, digits and '-'; copied; NULL: nothing is said there */
    const char *arguments; /* behind it in EHLO's answer, one line; copied; NULL: none */
    const char *verb;      /* the command: letters, digits and '-'; copied; NULL: there is none */
    imp_smtp_fn *run;      /* required with a verb */
    void *closure;
    unsigned flags;       /* enum imp_smtp_flags */
    unsigned deadline_ms; /* for the answer; then the client is told 451 4.3.0 and the paniclog names module and
                           * command. 0: 60000 */
    const char *help; /* one line for `module smtp commands`: what it does; copied; NULL: the module's description */
};

/*
 * Registers an extension, a command, or both; only from setup. 0, or -1 with a line in imp_module_error: keyword or verb
 * is none, or is the server's own or another module's, which the line names. At most 15 keywords with
 * IMP_SMTP_WHEN_NAMED in the life of the process.
 */
IMP_API int imp_smtp_add(struct imp_module *module, const struct imp_smtp_extension *extension);

/* Whose command it is; NULL when the session has left. Only on the session's event-loop thread. */
IMP_API struct imp_session *imp_smtp_session(struct imp_smtp_call *call);
/*
 * Has `cancelled` called once when the session leaves before the answer (the client is hung up on, the deadline has
 * passed); on the session's event-loop thread. The call is to be answered all the same, which is harmless. It may run
 * while another thread answers. Only from the command's function.
 */
IMP_API void imp_smtp_on_cancel(struct imp_smtp_call *call,
                                void (*cancelled)(struct imp_smtp_call *call, void *closure), void *closure);
/* Has `release` called when the call is over on both sides: the place to free what they share. Only from the command's
 * function. */
IMP_API void imp_smtp_at_end(struct imp_smtp_call *call, void (*release)(void *closure), void *closure);
/*
 * Answers, once, from any thread; the call is invalid afterwards. `code` 200 to 299 or 400 to 599; any other becomes
 * 451. `enhanced` such as "2.0.0"; NULL or "": none. `text`: one line, or several with '\n' between them; copied,
 * control bytes replaced by '?'. 221 and 421 close the connection after the answer. Refusals are in the rejectlog under
 * the module's name.
 */
IMP_API void imp_smtp_reply(struct imp_smtp_call *call, int code, const char *enhanced, const char *text);

#ifdef __cplusplus
}
#endif
#endif
