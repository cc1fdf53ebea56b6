/*
 * reply: the table of answers and their form on the wire.
 */
#include "smtp/reply.h"

#include <stdio.h>

#define REPLY(name, code, enhanced, text) const struct reply reply_##name = {code, enhanced, text}

REPLY(ok, 250, "2.0.0", "OK");
REPLY(mail_ok, 250, "2.1.0", "sender ok");
REPLY(rcpt_ok, 250, "2.1.5", "recipient ok");
REPLY(bye, 221, "2.0.0", "closing connection");
REPLY(help, 214, "2.0.0", "HELO EHLO MAIL RCPT DATA RSET NOOP VRFY HELP QUIT");
REPLY(vrfy, 252, "2.5.0", "cannot verify, but will accept a message and attempt delivery");
REPLY(go_ahead, 354, "", "continue. finished with \"\\r\\n.\\r\\n\"");

REPLY(idle, 421, "4.4.2", "no input in time, closing connection");
REPLY(shutdown, 421, "4.3.2", "service shutting down");
REPLY(too_many_errors, 421, "4.7.0", "too many errors, closing connection");
REPLY(spool_error, 451, "4.3.0", "transaction failed");
REPLY(spool_full, 452, "4.3.1", "insufficient system storage");
REPLY(too_many_recipients, 452, "4.5.3", "Service unavailable, recipients per message limit reached");
REPLY(too_many_receptions, 421, "4.5.3", "Service unavailable, batch limit reached");

REPLY(unrecognized, 500, "5.5.2", "unrecognized command");
REPLY(line_too_long, 500, "5.5.2", "line too long");
REPLY(no_parameters, 501, "5.5.4", "Syntax error (no parameters allowed)");
REPLY(invalid_helo, 501, "5.5.2", "invalid HELO");
REPLY(invalid_ehlo, 501, "5.5.2", "invalid EHLO");
REPLY(mail_syntax, 501, "5.5.2", "MAIL FROM syntax error");
REPLY(rcpt_syntax, 501, "5.5.2", "RCPT TO syntax error");
REPLY(mail_twice, 501, "5.5.1", "MAIL FROM already established");
REPLY(rset_argument, 501, "5.5.4", "invalid arguments to RSET");
REPLY(size_syntax, 501, "5.5.4", "invalid value of SIZE");
REPLY(data_argument, 501, "5.5.4", "unexpected argument to DATA");
REPLY(rcpt_without_mail, 503, "5.5.1", "RCPT TO without MAIL FROM");
REPLY(data_without_mail, 503, "5.5.1", "DATA without MAIL FROM");
REPLY(data_without_rcpt, 503, "5.5.1", "DATA without RCPT TO");
REPLY(need_hello, 550, "5.5.1", "RFC2821 HELO/EHLO needed");
REPLY(relaying_denied, 550, "5.7.1", "relaying denied");
REPLY(policy_refused, 550, "5.7.1", "rejected by policy");
REPLY(bare_newline, 550, "5.6.0", "Lone CR or LF in body (see RFC2822 section 2.3)");
REPLY(too_big, 552, "5.3.4", "message size limit exceeded");
REPLY(loop, 554, "5.4.6", "too many Received fields: mail loop");
REPLY(parameter_unknown, 555, "5.5.4", "parameter not recognized or not implemented");

void reply_format(const struct reply *reply, bool with_enhanced, struct buf *out)
{
    char code[8];
    snprintf(code, sizeof code, "%03d ", reply->code);
    buf_append(out, code, 4);
    if (with_enhanced && reply->enhanced[0]) {
        buf_append_text(out, reply->enhanced);
        buf_append(out, " ", 1);
    }
    size_t size = strlen(reply->text);
    char *text = buf_reserve(out, size + 2);
    for (size_t i = 0; i < size; i++) {
        unsigned char c = (unsigned char)reply->text[i];
        text[i] = c < 32 || c == 127 ? '?' : (char)c;
    }
    text[size] = '\r';
    text[size + 1] = '\n';
    buf_commit(out, size + 2);
}
