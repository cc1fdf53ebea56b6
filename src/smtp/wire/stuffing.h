/*
 * stuffing: making content transparent for DATA: RFC 5321 section 4.5.2.
 *
 * Lines end at CR LF. Content may hold a bare CR or LF all the same (invalid_line_endings = allow), and there
 * are servers that end lines, and messages, at these, or that drop NULs first: a dot that any of them could
 * take for the first of a line gets its dot. A server that goes by the RFC keeps that dot; nobody takes a
 * part of the content for its end.
 */
#ifndef IMPULSE_SMTP_WIRE_STUFFING_H
#define IMPULSE_SMTP_WIRE_STUFFING_H

#include "base/buf.h"

struct stuffing {    /* zero-initialised: at the beginning of a message */
    bool in_line;    /* nobody could take a dot that comes for the first of a line */
    bool after_cr;   /* the last byte was a CR */
    bool unfinished; /* the content so far does not end with CR LF */
};

/* Appends `part` of a message to `out`, with a dot before each line that begins with one. */
void stuffing_append(struct stuffing *stuffing, struct slice part, struct buf *out);
/* Appends the end of the message: CR LF if its last line has none, and a dot on a line of its own. */
void stuffing_end(struct stuffing *stuffing, struct buf *out);

#endif
