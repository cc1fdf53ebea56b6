/*
 * reply_line.h: parses a server's replies. RFC 5321 section 4.2. Pure functions; any thread.
 *
 * The parser tolerates what real servers send (a bare LF, text directly after the code, non-ASCII bytes) but
 * limits the size: a reply has at most REPLY_LINES lines and REPLY_BYTES bytes.
 */
#ifndef IMPULSE_SMTP_WIRE_REPLY_LINE_H
#define IMPULSE_SMTP_WIRE_REPLY_LINE_H

#include "base/reply_code.h"
#include "base/slice.h"

enum { REPLY_LINES = 512, REPLY_BYTES = 64 * 1024 };

enum reply_status {
    REPLY_MORE, /* incomplete: call again with more input */
    REPLY_DONE,
    REPLY_BAD, /* not a reply, or too large: the connection cannot be used any more */
};

struct wire_reply {
    unsigned code;     /* 200 to 599 */
    struct slice text; /* all lines with their line ends; points into the input */
};

/* Parses one reply at the start of `input`. On REPLY_DONE the caller consumes reply->text.size bytes. */
enum reply_status reply_parse(struct slice input, struct wire_reply *reply);

/*
 * Sets `*line` to the text of the next line in `*rest`, after code and separator and without its line end,
 * and advances `*rest`. Returns false after the last line.
 */
bool reply_next_line(struct slice *rest, struct slice *line);

/*
 * Writes the reply as one line, "550 5.1.1 first line second line", of at most `size` bytes and without a NUL
 * to `line`. Control characters become spaces. Returns the length.
 */
size_t reply_join(const struct wire_reply *reply, char *line, size_t size);

static inline bool reply_positive(const struct wire_reply *reply)
{
    return reply_code_is_positive(reply->code);
}

#endif
