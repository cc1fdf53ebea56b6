/*
 * xtext: the encoding of ESMTP parameters that hold free text (RFC 3461 section 4): a byte that is not a
 * printable ASCII character, or is '+' or '=', is '+' and two capital hexadecimal digits.
 */
#ifndef IMPULSE_BASE_XTEXT_H
#define IMPULSE_BASE_XTEXT_H

#include <stdbool.h>
#include "base/buf.h"

/* Appends what `text` stands for; any byte may come out. False if it is no xtext; `out` has a part of it
 * then. */
bool xtext_decode(struct slice text, struct buf *out);
/* Is `text` xtext? With `utf8` a character beyond ASCII may stand for itself (RFC 6533 section 3). */
bool xtext_valid(struct slice text, bool utf8);
/* Appends `bytes` as xtext. */
void xtext_encode(struct slice bytes, struct buf *out);

#endif
