/*
 * stuffing: dots before dots.
 *
 * A line begins after CR LF and nowhere else, as the server at the other end sees it. Few lines begin with a
 * dot, so the work is to find them: everything between two of them is copied in one piece.
 */
#include "delivery/stuffing.h"

void stuffing_append(struct stuffing *stuffing, struct slice part, struct buf *out)
{
    if (part.size == 0)
        return;
    const char *from = part.data, *end = part.data + part.size;
    const char *at = from;
    if (stuffing->after_cr && *at == '\n') {
        stuffing->in_line = false; /* a CR LF that two parts share */
        at++;
    }
    if (!stuffing->in_line && at < end && *at == '.') {
        buf_append(out, from, (size_t)(at - from));
        buf_append(out, ".", 1);
        from = at;
    }
    while ((at = memmem(at, (size_t)(end - at), "\r\n.", 3))) {
        at += 2;
        buf_append(out, from, (size_t)(at - from));
        buf_append(out, ".", 1);
        from = at;
    }
    buf_append(out, from, (size_t)(end - from));
    bool line_end = end[-1] == '\n' && (part.size > 1 ? end[-2] == '\r' : stuffing->after_cr);
    stuffing->in_line = !line_end;
    stuffing->after_cr = end[-1] == '\r';
}

void stuffing_end(struct stuffing *stuffing, struct buf *out)
{
    buf_append_text(out, stuffing->in_line ? "\r\n.\r\n" : ".\r\n");
    *stuffing = (struct stuffing){0};
}
