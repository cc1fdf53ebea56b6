/*
 * reply.h: the server's answers, as rows of one table (replies.def), and their form on the wire.
 */
#ifndef IMPULSE_SMTP_SERVER_REPLY_H
#define IMPULSE_SMTP_SERVER_REPLY_H

#include <stdbool.h>
#include "base/buf.h"

struct smtps_reply {
    int code;
    const char *enhanced; /* "5.5.2", or "" for a reply that carries none */
    const char *text;
};

/* Appends "CODE [ENHANCED ]TEXT CR LF". Control bytes in the text become '?'. */
void reply_format(const struct smtps_reply *reply, bool with_enhanced, struct buf *out);

#define REPLY(name, code, enhanced, text) extern const struct smtps_reply reply_##name;
#include "smtp/server/replies.def"
#undef REPLY

#endif
