/*
 * stamp: the header field of a test message that identifies it, and by which the receiver can tell whether it has been
 * altered.
 *
 *     X-Impulse-Load: run=0123456789abcdef number=17 size=0000000873 sum=89abcdef
 *
 * It is the first field of the message as it is sent. `size` and `sum` (CRC-32) are those of all that follows
 * the field's line. The fields that relays put before it (Received, Return-Path) change neither.
 */
#ifndef IMPULSE_TOOLS_LOAD_STAMP_H
#define IMPULSE_TOOLS_LOAD_STAMP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct stamp {
    uint64_t run;    /* which run of impulse-load */
    uint64_t number; /* of the message within the run, from 1 */
    uint64_t size;   /* bytes after the field */
    uint32_t sum;    /* their CRC-32 */
};

enum { STAMP_LINE = 128 }; /* room for the line, its CR LF and a NUL */

/* Writes the line. Returns its length, which depends only on the number. */
size_t stamp_format(const struct stamp *stamp, char line[static STAMP_LINE]);
/* Reads the line, without its end. Returns false if it is no stamp. */
bool stamp_parse(const char *line, struct stamp *stamp);

/* Reads a message as it arrives, in parts of any size. The caller removes dot-stuffing. */
struct stamp_reader {
    struct stamp stamp; /* valid once it is found */
    bool found;
    bool ended; /* the header was over and had no stamp */
    uint64_t size;
    uint32_t sum;
    size_t have; /* of `line` */
    char line[STAMP_LINE];
};

enum stamp_verdict { STAMP_WHOLE, STAMP_ALTERED, STAMP_MISSING };

void stamp_reader_begin(struct stamp_reader *reader);
void stamp_reader_take(struct stamp_reader *reader, const char *data, size_t size);
enum stamp_verdict stamp_reader_end(const struct stamp_reader *reader);

#endif
