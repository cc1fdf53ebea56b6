/*
 * stuffing.h: dot-stuffs content for DATA. RFC 5321 section 4.5.2.
 *
 * Lines end at CR LF. Content may nevertheless contain a bare CR or LF (invalid_line_endings = allow). Some
 * servers end lines, and messages, at these, or drop NULs first. Therefore each dot that any such server
 * could take as the first byte of a line is stuffed. A server that follows the RFC keeps the added dot, but
 * no server takes a part of the content as its end.
 */
#ifndef IMPULSE_SMTP_WIRE_STUFFING_H
#define IMPULSE_SMTP_WIRE_STUFFING_H

#include "base/buf.h"

struct stuffing {    /* all zero: at the beginning of a message */
    bool in_line;    /* no server could take the next byte as the first of a line */
    bool after_cr;   /* the last byte was a CR */
    bool unfinished; /* the content so far does not end with CR LF */
};

/* Appends `part`, the next bytes of a message, to `out` with the dots stuffed. */
void stuffing_append(struct stuffing *stuffing, struct slice part, struct buf *out);
/* Appends the end of the message: CR LF if the last line has none, then a line with a single dot. */
void stuffing_end(struct stuffing *stuffing, struct buf *out);

#endif
