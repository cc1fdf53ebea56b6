/*
 * data_reader.h: reads the content of a message off DATA or BDAT: finds the end, undoes dot-stuffing, applies
 * what is to happen to bare CRs and LFs and to long lines, and notes what the verdict is about. RFC 5321
 * sections 2.3.8, 4.1.1.4, 4.5.2; RFC 3030. Pure state machine; no I/O.
 *
 * After DATA the message ends at CR LF . CR LF (or . CR LF right at its start) and at nothing else, whatever
 * the rules: a bare CR or a bare LF never begins a line for this purpose.
 */
#ifndef IMPULSE_SMTP_WIRE_DATA_READER_H
#define IMPULSE_SMTP_WIRE_DATA_READER_H

#include "base/buf.h"

enum line_ending_policy { /* a CR or LF that is not part of a CR LF pair in the content */
                          LINE_ENDINGS_REJECT, /* 550 5.6.0 */
                          LINE_ENDINGS_FIX,    /* each becomes CR LF */
                          LINE_ENDINGS_ALLOW,  /* passed on as it came; it ends no line for us */
};

enum content_part { CONTENT_HEADER, CONTENT_BODY }; /* the header ends with the first empty line */

struct data_rules {
    enum line_ending_policy line_endings[2]; /* by content_part */
    uint32_t
        break_lines;  /* lines of the body become at most that many bytes, without CR LF; 0: as they are */
    bool dot_stuffed; /* DATA; false: BDAT, where the client says where the content ends */
    bool binary;      /* BINARYMIME: the body has no lines; not with dot_stuffed */
};

struct data_reader {
    struct data_rules rules; /* private, as `state` and `column` */
    unsigned char state;
    enum content_part part;   /* out: where the next byte belongs */
    bool keep;                /* append to the output; false: only look for the end */
    bool eight_bit;           /* out: a byte above 127 was seen */
    bool bare[2];             /* out, by part: a bare CR or a bare LF was seen */
    uint64_t column;          /* bytes of the line that has not ended */
    uint64_t longest_line[2]; /* out, by part: bytes of its longest line as it is passed on, without CR LF */
    uint64_t size;            /* out: bytes of content so far, kept or not */
    uint64_t header_size;     /* out: bytes up to and with the empty line, once part is CONTENT_BODY */
};

/* At the start of a message. */
void data_reader_init(struct data_reader *reader, const struct data_rules *rules);

/*
 * Reads from `input`, appends content to `out` and returns how many bytes it used; *end tells that the end
 * was found (it is among the used bytes; what follows belongs to the next command). Without *end everything
 * is used.
 */
size_t data_reader_feed(struct data_reader *reader, struct slice input, struct buf *out, bool *end);

/* After the last chunk of BDAT: a line that has no end gets CR LF, unless the content is binary. */
void data_reader_finish(struct data_reader *reader, struct buf *out);

#endif
