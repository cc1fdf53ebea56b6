/*
 * data_reader.h: reads the content of a message from DATA or BDAT. It finds the end, removes dot-stuffing,
 * applies the rules for bare CRs and LFs and for long lines, and records the facts on which the server
 * accepts or rejects the message. RFC 5321 sections 2.3.8, 4.1.1.4, 4.5.2; RFC 3030. A pure state machine
 * without I/O; a reader is used by one thread at a time.
 *
 * After DATA, the message ends only at CR LF . CR LF (or at . CR LF at its very start), whatever the rules: a
 * bare CR or a bare LF never begins a line in this sense.
 */
#ifndef IMPULSE_SMTP_WIRE_DATA_READER_H
#define IMPULSE_SMTP_WIRE_DATA_READER_H

#include "base/buf.h"

enum line_ending_policy { /* what to do with a CR or LF that is not part of a CR LF pair */
                          LINE_ENDINGS_REJECT, /* the server replies 550 5.6.0 */
                          LINE_ENDINGS_FIX,    /* each becomes CR LF */
                          LINE_ENDINGS_ALLOW,  /* passed on unchanged; does not count as the end of a line */
};

enum content_part { CONTENT_HEADER, CONTENT_BODY }; /* the header ends with the first empty line */

struct data_rules {
    enum line_ending_policy line_endings[2]; /* indexed by content_part */
    uint32_t break_lines; /* maximum bytes of a body line, without CR LF; longer lines are broken; 0: never
                             break */
    bool dot_stuffed;     /* DATA; false: BDAT, where the client gives the size of the content */
    bool binary;          /* BINARYMIME: the body has no line structure; not allowed with dot_stuffed */
};

struct data_reader {
    struct data_rules rules; /* private, as are `state` and `column` */
    unsigned char state;
    enum content_part part;   /* out: the part to which the next byte belongs */
    bool keep;                /* in: append content to the output; false: only look for the end */
    bool eight_bit;           /* out: a byte above 127 was seen */
    bool bare[2];             /* out, by part: a bare CR or a bare LF was seen */
    uint64_t column;          /* bytes of the current, unfinished line */
    uint64_t longest_line[2]; /* out, by part: bytes of the longest line as passed on, without CR LF */
    uint64_t size;            /* out: bytes of content so far, whether kept or not */
    uint64_t header_size;     /* out: bytes up to and with the empty line; set with CONTENT_BODY */
};

/* Initialises `reader` for a new message. `rules` is copied. */
void data_reader_init(struct data_reader *reader, const struct data_rules *rules);

/*
 * Reads bytes of `input`, appends the content to `out` and returns the number of bytes used. Sets `*end` if
 * the end of the message was found; it is the last of the used bytes, and the bytes after it belong to the
 * next command. Without an end, all input is used. Never fails.
 */
size_t data_reader_feed(struct data_reader *reader, struct slice input, struct buf *out, bool *end);

/*
 * Called after the last chunk of BDAT: appends CR LF to a last line that has none, unless the content is
 * binary.
 */
void data_reader_finish(struct data_reader *reader, struct buf *out);

#endif
