/*
 * parameter.h: parses the parameters of MAIL and RCPT, each a row of a table: SIZE (RFC 1870), BODY (RFC
 * 6152, RFC 3030), SMTPUTF8 (RFC 6531), RET, ENVID, NOTIFY, ORCPT (RFC 3461), AUTH (RFC 4954), REQUIRETLS
 * (RFC 8689); and those that modules add (include/impulse/smtp.h).
 */
#ifndef IMPULSE_SMTP_SERVER_PARAMETER_H
#define IMPULSE_SMTP_SERVER_PARAMETER_H

#include <stdbool.h>
#include "base/registry.h"
#include "base/slice.h"
#include "smtp/server/reply.h"

struct imp_session;

/* ---- of modules ------------------------------------------------------------------------------ */

enum smtps_parameter_value { SMTPS_VALUE_REQUIRED, SMTPS_VALUE_OPTIONAL, SMTPS_VALUE_NONE };

struct smtps_parameter { /* a row of MODULE_SMTP_PARAMETERS, whose name is "MAIL XTRACK" or "RCPT XTRACK" */
    enum smtps_parameter_value value;
    unsigned extension; /* without this offer (extension.h) there is no such parameter; 0: there always is */
    /*
     * Returns whether the value is valid; it is empty if there is no "=". If it is not valid, text[text_size]
     * gets the text of the reply, or "" for the usual one. NULL: every value is valid. Called on the session's
     * loop thread.
     */
    bool (*check)(struct imp_session *session, struct slice value, char *text, size_t text_size,
                  void *closure);
    void *closure;
    const char *module; /* its name, for the logs */
};

enum { PARAMETERS_ADDED_MAX = 16 }; /* maximum number of rows of a generation's modules */

struct parameter_source {        /* the parameters of modules that a session may use */
    const struct registry *rows; /* NULL: none */
    struct imp_session *session; /* for the checks */
};

struct parameter_added {
    const char *name;   /* of its row */
    struct slice value; /* empty if there is none */
};

/* ---- what a command has ---------------------------------------------------------------------- */

struct parameters { /* parameters of one command; the slices point into its line */
    uint64_t size;  /* SIZE=, bytes; 0: not declared */
    uint32_t flags; /* ENVELOPE_* (message/envelope.h) */
    /* as given, valid xtext; empty if not given */
    struct slice envid;                                 /* at most 100 bytes */
    struct slice orcpt;                                 /* ADDRESS-TYPE;XTEXT, at most 500 bytes */
    struct slice auth;                                  /* a mailbox in xtext, or "<>" */
    struct parameter_added added[PARAMETERS_ADDED_MAX]; /* those of modules, each once */
    size_t added_count;
    /* After a rejection: the name of the module that rejected a value, with `refusal`; else "core". */
    const char *refused_by;
    struct smtps_reply refusal;
    char refusal_text[256];
};

/*
 * Parse " KEYWORD[=VALUE] ...", the text after the path of MAIL or RCPT. `offered` is a set of EXTENSION_*
 * bits (extension.h); a parameter of an extension that is not in it is unknown. For RCPT, EXTENSION_SMTPUTF8
 * means that MAIL requested SMTPUTF8. Return NULL, or the reply that rejects the command. That reply may be a
 * part of `*parameters`, of which only refused_by may be read then. Pure functions except for the checks of
 * modules; any thread that may use the source's session.
 */
const struct smtps_reply *parameters_parse_mail(struct slice rest, unsigned offered,
                                                const struct parameter_source *source,
                                                struct parameters *parameters);
const struct smtps_reply *parameters_parse_rcpt(struct slice rest, unsigned offered,
                                                const struct parameter_source *source,
                                                struct parameters *parameters);

/* Registers the server's own parameters. Main thread. */
void parameters_register(void);
/* Returns their registry. A generation's modules have one on top of it. Main thread. */
const struct registry *parameters_core(void);

#endif
