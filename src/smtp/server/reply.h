/*
 * reply.h: the server's replies, as rows of one table (replies.def), and how they are written. Pure
 * functions; any thread.
 */
#ifndef IMPULSE_SMTP_SERVER_REPLY_H
#define IMPULSE_SMTP_SERVER_REPLY_H

#include <stdbool.h>
#include "base/buf.h"

struct smtps_reply {
    int code;
    const char *enhanced; /* enhanced status code, "5.5.2"; "" if the reply has none */
    const char *text;
};

/*
 * Appends "CODE [ENHANCED ]TEXT CR LF" to `out`. Control characters in the text become '?'. `with_enhanced`
 * false leaves out the enhanced status code.
 */
void reply_format(const struct smtps_reply *reply, bool with_enhanced, struct buf *out);

#define REPLY(name, code, enhanced, text) extern const struct smtps_reply reply_##name;
#include "smtp/server/replies.def"
#undef REPLY

#endif
