/*
 * header.h: the header block of a message: which fields it has, where it ends, and folding its long lines.
 * RFC 5322 sections 2.2, 3.6. Nothing is decoded: these are the questions of a server that passes mail on.
 * Pure functions; any thread.
 */
#ifndef IMPULSE_MESSAGE_HEADER_H
#define IMPULSE_MESSAGE_HEADER_H

#include "base/buf.h"

struct header_facts {
    size_t size;       /* bytes of the fields: up to the empty line, the line that is none, or the end */
    unsigned fields;   /* how many */
    unsigned received; /* how many of them are Received fields */
    bool date, message_id;
    bool results; /* at least one Authentication-Results field */
    bool closed;  /* an empty line follows */
    bool invalid; /* a line that is neither a field nor part of one follows */
};

/*
 * Looks at `content` from its first byte to the end of its header. Lines end with CR LF; the last may lack
 * it. A field begins with a name of printable ASCII and a colon, with white space between them or not; a line
 * that begins with white space goes on with the field before it.
 */
struct header_facts header_scan(struct slice content);

/* Is this a name that a field can have? RFC 5322 section 2.2. */
bool header_is_name(struct slice name);

/*
 * Takes the next field of a header, all its lines: *value is what is behind the colon. False at the end, and
 * at a line that is no field.
 */
bool header_next(struct slice *rest, struct slice *field, struct slice *name, struct slice *value);
/* Appends a value without its folds, and without white space around it. RFC 5322 section 2.2.3. */
void header_unfold(struct slice value, struct buf *out);

/*
 * Appends the fields `header` with each line of more than `limit` bytes folded before white space, where
 * there is some. Returns the bytes of the longest line of the result, without CR LF.
 */
size_t header_fold(struct slice header, size_t limit, struct buf *out);

/*
 * Appends the fields `header` without those Authentication-Results that claim to be by `server`, or whose
 * server cannot be read. RFC 8601 section 5. True when one was left out.
 */
bool header_drop_results(struct slice header, struct slice server, struct buf *out);

#endif
