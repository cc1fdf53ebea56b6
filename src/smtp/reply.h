/*
 * reply.h: the server's answers, as rows of one table.
 * Texts that Momentum documents are Momentum's (manual, "Message Responses"); codes are RFC 5321 and RFC
 * 3463.
 */
#ifndef IMPULSE_SMTP_REPLY_H
#define IMPULSE_SMTP_REPLY_H

#include <stdbool.h>
#include "base/buf.h"

struct reply {
    int code;
    const char *enhanced; /* "5.5.2", or "" for a reply that carries none */
    const char *text;
};

/* Appends "CODE [ENHANCED ]TEXT CR LF". Control bytes in the text become '?'. */
void reply_format(const struct reply *reply, bool with_enhanced, struct buf *out);

extern const struct reply reply_unrecognized, reply_line_too_long, reply_no_parameters, reply_need_hello,
    reply_invalid_helo, reply_invalid_ehlo, reply_mail_syntax, reply_size_syntax, reply_mail_twice,
    reply_rcpt_syntax, reply_rcpt_without_mail, reply_data_without_mail, reply_data_without_rcpt,
    reply_data_argument, reply_rset_argument, reply_parameter_unknown, reply_too_big,
    reply_too_many_recipients, reply_too_many_receptions, reply_relaying_denied, reply_spool_full,
    reply_spool_error, reply_loop, reply_bare_newline, reply_go_ahead, reply_ok, reply_bye, reply_mail_ok,
    reply_rcpt_ok, reply_vrfy, reply_help, reply_idle, reply_shutdown, reply_too_many_errors,
    reply_policy_refused;

#endif
