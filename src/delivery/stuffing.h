/*
 * stuffing: making content transparent for DATA: RFC 5321 section 4.5.2.
 */
#ifndef IMPULSE_DELIVERY_STUFFING_H
#define IMPULSE_DELIVERY_STUFFING_H

#include "base/buf.h"

struct stuffing {           /* zero-initialised: at the beginning of a message */
    bool after_cr, in_line; /* what the last byte was: a CR; anything but the LF of a CR LF */
};

/* Appends `part` of a message to `out`, with a dot before each line that begins with one. */
void stuffing_append(struct stuffing *stuffing, struct slice part, struct buf *out);
/* Appends the end of the message: CR LF if its last line has none, and a dot on a line of its own. */
void stuffing_end(struct stuffing *stuffing, struct buf *out);

#endif
