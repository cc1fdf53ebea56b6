/*
 * edits: what has become of content that itself never changes: a piece table.
 *
 * The edited form is a row of pieces, each a range of the content underneath or of text that the table holds.
 * An edit splits pieces and appends its text: whatever the content's size, nothing of it is copied.
 *
 * A table that is being made is a `struct edits`. What is stored with a body or an envelope is its sealed
 * form: one block of bytes, versioned, little-endian, with nothing in it that is not needed. Both are read
 * through a `struct edits_view`. One thread at a time.
 */
#ifndef IMPULSE_MESSAGE_EDITS_H
#define IMPULSE_MESSAGE_EDITS_H

#include "base/buf.h"

enum {                          /* of one table; beyond them an edit is refused */
       EDITS_TEXT = 256 * 1024, /* bytes of text that the edited form holds */
       EDITS_PIECES = 4096,
};

struct edits_piece { /* little-endian, as in the sealed form */
    uint64_t offset; /* in the content underneath, or in the text */
    uint64_t size;   /* bytes; the highest bit: it is in the text */
};

struct edits {                  /* zero-initialised: the content as it is, of size 0 */
    uint64_t base;              /* bytes of the content underneath */
    uint64_t size;              /* of the edited form */
    struct edits_piece *pieces; /* owned; `count` of `room` */
    uint32_t count, room;
    struct buf text;
    bool judged;    /* `eight_bit` is about the whole edited form, not only about text put in */
    bool eight_bit; /* has it a byte above 127? */
};

enum edits_outcome {
    EDITS_OK,
    EDITS_OUT_OF_RANGE, /* the range is not within the edited form */
    EDITS_TOO_MUCH,     /* a bound would be passed; nothing was changed */
};

/* The content as it is, `base` bytes of it. */
void edits_init(struct edits *edits, uint64_t base);
void edits_release(struct edits *edits);
/* `text` (copied) takes the place of the `removed` bytes of the edited form from `at` on. */
enum edits_outcome edits_splice(struct edits *edits, uint64_t at, uint64_t removed, struct slice text);
/*
 * Puts `text` (copied) in front of the edited form. This is the daemon's own edit, made once when modules
 * have made theirs: it is not refused because they have reached a bound.
 */
void edits_prepend(struct edits *edits, struct slice text);

struct edits_range { /* of the edited form */
    uint64_t at, size;
};
/*
 * Removes `count` ranges in one pass. They are in ascending order, not empty, and do not overlap. Either all of
 * them are removed or, with EDITS_OUT_OF_RANGE or EDITS_TOO_MUCH, none.
 */
enum edits_outcome edits_cut(struct edits *edits, const struct edits_range *ranges, size_t count);
/* Is the edited form anything else than the content underneath? */
bool edits_are_none(const struct edits *edits);
/* Notes whether the edited form, with what is underneath, has a byte above 127. */
void edits_judge(struct edits *edits, bool eight_bit);
/* Appends the sealed form. */
void edits_seal(const struct edits *edits, struct buf *out);

/* ---- reading ----------------------------------------------------------------------------------------- */

struct edits_view { /* borrowed */
    uint64_t base, size;
    uint32_t count;
    bool eight_bit, judged; /* as in struct edits */
    const char *pieces;     /* of the sealed form; need not be aligned */
    struct slice text;
};

struct edits_view edits_view(const struct edits *edits); /* until the next edit */
/* Checks the whole; false if the bytes are no sealed table (torn, of a foreign version). */
bool edits_open(struct slice sealed, struct edits_view *view);
/* Of a sealed table that edits_open took: bytes of the edited form. */
uint64_t edits_sealed_size(struct slice sealed);

struct edits_place { /* where a reader is; zero-initialised: at the beginning */
    uint32_t piece;
    uint64_t start; /* of that piece in the edited form */
};
struct edits_run {
    const char *text; /* the bytes; NULL: they are in the content underneath */
    uint64_t offset;  /* there */
    uint64_t size;
};
/* What is at `at`, which is less than view->size, up to the end of its piece. */
struct edits_run edits_find(const struct edits_view *view, uint64_t at, struct edits_place *place);

#endif
