/*
 * idna: domains beyond ASCII as DNS knows them (IDNA2008, RFC 5891), over libidn2. Pure functions; any
 * thread.
 */
#ifndef IMPULSE_BASE_IDNA_H
#define IMPULSE_BASE_IDNA_H

#include "base/slice.h"

enum { IDNA_NAME_SIZE = 256 }; /* a domain of at most 255 bytes and its NUL: RFC 5321 section 4.5.3.1.2 */

/*
 * The domain with A-labels in the place of its U-labels. Nothing is mapped but ASCII letters to lower case:
 * characters that only look like a dot or a letter would make one name out of two. False when it is no UTF-8,
 * a label of it is no U-label, or one of the two forms is too long.
 */
bool idna_to_ascii(struct slice domain, char ascii[static IDNA_NAME_SIZE]);

#endif
