/*
 * reply: see reply.h.
 */
#include "smtp/reply.h"

#include <stdio.h>

#define REPLY(name, code, enhanced, text) const struct reply reply_##name = {code, enhanced, text};
#include "smtp/replies.def"
#undef REPLY

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
