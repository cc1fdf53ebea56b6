/*
 * impulse/smtp.h: extensions of SMTP, commands, and parameters of MAIL and RCPT that a module adds to the server.
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
 * first and cost no more than without it. A parameter of MAIL that belongs to the extension:
 *
 *     imp_smtp_add_parameter(module, &(struct imp_smtp_parameter){.size = sizeof(struct imp_smtp_parameter),
 *                                                                 .command = IMP_SMTP_MAIL, .name = "XCLASS",
 *                                                                 .keyword = "XLOOKUP", .check = is_class});
 *
 * "MAIL FROM:<a@b.example> XCLASS=bulk" is then understood where XLOOKUP is offered, and hooks read "bulk" with
 * imp_message_parameter. `module smtp commands`, `module smtp extensions` and `module smtp parameters` on the console
 * list what there is.
 *
 * Errors: registering returns 0, or -1 with a line in imp_module_error; then the start (or the reload) stops, whatever
 * setup returns.
 * Source: RFC 5321 section 2.2 (extensions; keywords of private use begin with X by convention).
 */
#ifndef IMPULSE_SMTP_H
#define IMPULSE_SMTP_H

#include "impulse/session.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- extensions and commands ------------------------------------------------------------------------------- */

struct imp_smtp_call; /* a command that is being answered; the daemon's, valid until imp_smtp_reply */

/*
 * Begins a command, on the session's event-loop thread; must not block. It is to be answered with imp_smtp_reply, once,
 * now or later; the session waits until then, and costs no thread. `arguments` is what follows the verb and one space,
 * without trailing blanks, of at most 2,048 bytes, without control characters but TAB; "" for nothing; NUL-terminated,
 * valid as long as the call. `closure` is the extension's.
 */
typedef void imp_smtp_fn(struct imp_smtp_call *call, const char *arguments, void *closure);

enum imp_smtp_flags {
    /* Offered, and its command and parameters taken, only where SMTP_Extensions names the keyword (for a Listen, a
     * Peer, ...). The manifest then says `provides = smtp_extension.KEYWORD`, so that configurations can be checked. */
    IMP_SMTP_WHEN_NAMED = 1,
    IMP_SMTP_NO_ARGUMENTS = 2, /* an argument of the command is refused by the server with 501 5.5.4 */
};

struct imp_smtp_extension {
    size_t size; /* sizeof(struct imp_smtp_extension) */
    /* In EHLO's answer: letters, digits and '-', at most 64; copied; NULL: nothing is said there. */
    const char *keyword;
    const char *arguments; /* behind it in EHLO's answer, one line; copied; NULL: none */
    const char *verb;      /* the command: letters, digits and '-', at most 64; copied; NULL: there is none */
    imp_smtp_fn *run;      /* required with a verb */
    void *closure;         /* for `run`; lives as long as the instance */
    unsigned flags;        /* enum imp_smtp_flags */
    /* For the answer, in milliseconds; then the client is told 451 4.3.0, and the paniclog names module and
     * command. 0: 60000. */
    unsigned deadline_ms;
    const char *help; /* one line: what it is for; copied; NULL: the module's description */
};

/*
 * Registers an extension, a command, or both; only from setup; the struct is copied. Fails when keyword or verb is
 * none, or is the server's own or another module's, which the line names. At most 15 keywords with IMP_SMTP_WHEN_NAMED
 * in the life of the process.
 */
IMP_API int imp_smtp_add(struct imp_module *module, const struct imp_smtp_extension *extension);

/* Whose command it is; valid until the call is answered; NULL when the session has left. Only on the session's
 * event-loop thread. */
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
 * Answers, once, from any thread; the call is invalid afterwards. A second answer, as far as it is noticed, is ignored
 * and named in the paniclog. `code` 200 to 299 or 400 to 599; any other becomes 451. `enhanced` such as "2.0.0"; NULL
 * or "": none. `text`: one line, or several with '\n' between them. Both are copied, control bytes replaced by '?'.
 * 221 and 421 close the connection after the answer. Refusals are in the rejectlog under the module's name.
 */
IMP_API void imp_smtp_reply(struct imp_smtp_call *call, int code, const char *enhanced, const char *text);

/* ---- parameters of MAIL and RCPT ----------------------------------------------------------------------------- */

enum imp_smtp_command { IMP_SMTP_MAIL, IMP_SMTP_RCPT };

enum imp_smtp_value {
    IMP_SMTP_VALUE_REQUIRED, /* XCLASS=bulk */
    IMP_SMTP_VALUE_OPTIONAL, /* that, or XCLASS alone */
    IMP_SMTP_VALUE_NONE,     /* XCLASS alone */
};

/*
 * Is the value a valid one? Called when the command gives the parameter, in the order of the line, before the hooks of
 * validate_mailfrom or validate_rcptto; the command may be refused all the same. `session` is what it was before the
 * command: without a transaction at MAIL, without a recipient in question at RCPT. `value` is what follows '=', as the
 * client gave it (xtext is not decoded): neither space nor '=' nor a control character, but perhaps bytes above 127;
 * NUL-terminated, valid during the call; NULL if there is no '='. False refuses the command with 501 5.5.4 and the one
 * line of text that the function writes into text[text_size]; if it writes nothing, with the server's usual text.
 * Control bytes in it are replaced by '?'. The rejectlog names the module. On the session's event-loop thread; must not
 * block.
 */
typedef bool imp_smtp_check_fn(struct imp_session *session, const char *value, char *text, size_t text_size,
                               void *closure);

struct imp_smtp_parameter {
    size_t size; /* sizeof(struct imp_smtp_parameter) */
    enum imp_smtp_command command;
    const char *name; /* letters, digits and '-', at most 64; letters of either case are taken; copied */
    /* The extension that it belongs to, which this instance has registered before. Where that is not offered, or the
     * client has not said EHLO, the parameter is unknown: 555 5.5.4 (RFC 5321 section 2.2.1). */
    const char *keyword;
    enum imp_smtp_value value; /* otherwise: 501 5.5.4; so is a parameter that is given twice */
    imp_smtp_check_fn *check;  /* NULL: every value is valid */
    void *closure;             /* for `check`; lives as long as the instance */
    const char *help;          /* one line: what it is for; copied; NULL: the module's description */
};

/*
 * Registers a parameter of MAIL or of RCPT; only from setup; the struct is copied. Fails when the name is none, is the
 * server's own or another module's for that command, which the line names, or when `keyword` is not this instance's. At
 * most 16 parameters of all modules of a generation.
 */
IMP_API int imp_smtp_add_parameter(struct imp_module *module, const struct imp_smtp_parameter *parameter);

/*
 * What the client gave for a parameter that a module, this one or another, has added to MAIL, or to the RCPT of that
 * recipient: the value, "" if it gave the parameter without one, NULL if it did not give it. `name` in any case. From
 * validate_mailfrom, or validate_rcptto, on; the value is stored with the message, and can be read from what
 * imp_delivery_message gives as well. It is not sent to the next hop, and a recipient or a message that a module makes
 * has none. NUL-terminated, the message's, valid as long as the message or the recipient. Thread: as for all functions
 * of message.h.
 */
IMP_API const char *imp_message_parameter(const struct imp_message *message, const char *name);
IMP_API const char *imp_recipient_parameter(const struct imp_recipient *recipient, const char *name);

#ifdef __cplusplus
}
#endif
#endif
