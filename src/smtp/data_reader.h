/*
 * data_reader.h: finds the end of a message in the bytes after DATA and undoes dot-stuffing.
 *
 * The message ends at CR LF . CR LF (or . CR LF right at its start) and at nothing else: a bare LF or a bare
 * CR never begins a line for this purpose. RFC 5321 sections 4.1.1.4, 4.5.2. Pure state machine; no I/O.
 */
#ifndef IMPULSE_SMTP_DATA_READER_H
#define IMPULSE_SMTP_DATA_READER_H

#include "base/buf.h"

struct data_reader {
    unsigned char state; /* private */
    bool fix;            /* make bare CR and bare LF into CR LF */
    bool keep;           /* append to the output; false: only look for the end */
    bool eight_bit;      /* out: a byte above 127 was seen */
    bool bare;           /* out: a bare CR or a bare LF was seen */
};

/* At the start of a message. */
void data_reader_init(struct data_reader *reader, bool fix);

/*
 * Reads from `input`, appends content to `out` and returns how many bytes it used; *end tells that the end
 * was found (it is among the used bytes; what follows belongs to the next command). Without *end everything
 * is used.
 */
size_t data_reader_feed(struct data_reader *reader, struct slice input, struct buf *out, bool *end);

#endif
