/*
 * stuffing: adds a dot before each dot at the start of a line.
 *
 * Dots are rare. The code searches for them and copies everything between two stuffed dots at once.
 */
#include "smtp/wire/stuffing.h"

/*
 * Returns whether some server could take a dot at `place`, in a part that begins at `from`, as the first byte
 * of a line.
 */
static bool begins_line(const struct stuffing *stuffing, const char *from, const char *place)
{
    while (place > from && place[-1] == '\0')
        place--;
    if (place == from)
        return !stuffing->in_line;
    return place[-1] == '\n' || place[-1] == '\r';
}

void stuffing_append(struct stuffing *stuffing, struct slice part, struct buf *out)
{
    if (part.size == 0)
        return;
    const char *from = part.data, *end = part.data + part.size;
    for (const char *dot = part.data; (dot = memchr(dot, '.', (size_t)(end - dot))); dot++) {
        if (!begins_line(stuffing, part.data, dot))
            continue;
        buf_append(out, from, (size_t)(dot - from));
        buf_append(out, ".", 1);
        from = dot;
    }
    buf_append(out, from, (size_t)(end - from));
    stuffing->in_line = !begins_line(stuffing, part.data, end);
    bool after_cr = part.size > 1 ? end[-2] == '\r' : stuffing->after_cr;
    stuffing->unfinished = end[-1] != '\n' || !after_cr;
    stuffing->after_cr = end[-1] == '\r';
}

void stuffing_end(struct stuffing *stuffing, struct buf *out)
{
    buf_append_text(out, stuffing->unfinished ? "\r\n.\r\n" : ".\r\n");
    *stuffing = (struct stuffing){0};
}
