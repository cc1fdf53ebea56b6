/*
 * reply_line: reading a server's replies: RFC 5321 section 4.2. Pure functions; any thread.
 *
 * Tolerant of what is seen in the wild (a bare LF, text glued to the code, bytes that are not ASCII), strict
 * about size: a reply has at most REPLY_LINES lines and REPLY_BYTES bytes.
 */
#ifndef IMPULSE_SMTP_WIRE_REPLY_LINE_H
#define IMPULSE_SMTP_WIRE_REPLY_LINE_H

#include "base/slice.h"

enum { REPLY_LINES = 512, REPLY_BYTES = 64 * 1024 };

enum reply_status {
    REPLY_MORE, /* not complete yet */
    REPLY_DONE,
    REPLY_BAD, /* not a reply, or beyond the limits: the connection is of no use any more */
};

struct wire_reply {
    unsigned code;     /* 200 to 599 */
    struct slice text; /* all its lines with their ends; points into the input */
};

/* Reads one reply from the beginning of `input`; reply->text.size bytes are then to be consumed. */
enum reply_status reply_parse(struct slice input, struct wire_reply *reply);

/* The text of the next line of *rest after code and separator, without its end. False after the last line. */
bool reply_next_line(struct slice *rest, struct slice *line);

/*
 * The reply in one line, "550 5.1.1 first line second line", at most `size` bytes, not NUL-terminated;
 * control bytes become spaces. Returns the length.
 */
size_t reply_join(const struct wire_reply *reply, char *line, size_t size);

static inline bool reply_positive(const struct wire_reply *reply)
{
    return reply->code / 100 == 2;
}

#endif
