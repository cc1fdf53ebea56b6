/*
 * reply: see reply.h.
 */
#include "smtp/server/reply.h"

#define REPLY(name, code, enhanced, text) const struct smtps_reply reply_##name = {code, enhanced, text};
#include "smtp/server/replies.def"
#undef REPLY

void reply_format(const struct smtps_reply *reply, bool with_enhanced, struct buf *out)
{
    char code[4] = {(char)('0' + reply->code / 100 % 10), (char)('0' + reply->code / 10 % 10),
                    (char)('0' + reply->code % 10), ' '};
    buf_append(out, code, sizeof code);
    if (with_enhanced && reply->enhanced[0]) {
        buf_append_text(out, reply->enhanced);
        buf_append(out, " ", 1);
    }
    buf_append_printable(out, slice_text(reply->text));
    buf_append(out, "\r\n", 2);
}
