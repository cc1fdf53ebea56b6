/*
 * cursor: reads the content of a message from its first byte to its last, in memory or in the spool, edits
 * applied, without loading it: the only reader of content there is.
 *
 * What is in memory is read where it is, pinned while the cursor is open. What is only in the spool is read
 * back a chunk at a time, so that a reader holds one chunk of a large message. A cursor waits in one of two
 * ways, which is up to its content_reader: on a loop it answers -EAGAIN and calls back when the chunk has
 * arrived from a thread of the SwapIn pool; on a thread that may block it blocks. One thread at a time.
 */
#ifndef IMPULSE_MESSAGE_CURSOR_H
#define IMPULSE_MESSAGE_CURSOR_H

#include "base/list.h"
#include "base/pending.h"
#include "event/loop.h"
#include "event/pool.h"
#include "message/edits.h"
#include "message/envelope.h"

struct message;

/* How content comes from the spool, which stands above: spool_body_read, and who waits for it. */
struct content_reader {
    /* Reads a chunk into memory from malloc. Blocks. 0 or a negative errno. */
    int (*read)(void *spool, const struct body *body, uint32_t chunk, char **data, size_t *size);
    void *spool;
    /* For waiting on a loop; `pool` NULL: cursors block. */
    struct pool *pool;
    struct loop *loop;
    struct pending *outside; /* what pools still do for the loop's owner; borrowed */
    struct list reads;       /* on their way */
};

/* A reader whose cursors block: nothing to release. */
void content_reader_init(struct content_reader *reader,
                         int (*read)(void *spool, const struct body *body, uint32_t chunk, char **data,
                                     size_t *size),
                         void *spool);
/* One whose cursors wait on `loop`, while a thread of `pool` reads. */
void content_reader_init_loop(struct content_reader *reader,
                              int (*read)(void *spool, const struct body *body, uint32_t chunk, char **data,
                                          size_t *size),
                              void *spool, struct loop *loop, struct pool *pool, struct pending *outside);
/* Frees what cursors that were closed left behind. The loop has stopped. */
void content_reader_release(struct content_reader *reader);

struct content_source { /* what content is made of; borrowed, but for the reference to the body */
    struct body *body;  /* whose rows in the spool hold the first `stored` bytes; NULL: there are none */
    uint64_t stored;
    struct slice head;   /* the first of these bytes, when they are in memory too */
    struct slice tail;   /* the bytes after them */
    struct slice fields; /* of this copy alone, in front of everything */
    bool edited, own;    /* are there edits of the message; of this copy, upon them */
    bool attempted;      /* are there edits of one attempt to deliver, upon everything */
    struct edits_view edits, own_edits, attempt_edits;
    uint64_t size; /* of what the cursor reads */
};

/*
 * Makes the source of an envelope's content, but for `size`, without a reference to the body. *pinned: the body is in
 * memory and was pinned. What the envelope has for itself, its fields or edits, is copied, because the envelope may be
 * gone before the source is. Returns the copy, for the caller to free after the source; NULL: there is nothing.
 */
char *content_source_of(struct content_source *source, const struct envelope *envelope, bool *pinned);

struct message_cursor {
    struct content_reader *reader; /* NULL: only what is in memory can be read */
    struct content_source source;
    char *own; /* owned: the fields or the edits of the copy */
    bool pinned, open;
    uint64_t at;      /* offset of the next byte in what is read */
    struct slice run; /* the bytes at hand, from `at` on */
    bool added;       /* the run is not in the content underneath, but was put in */
    struct edits_place place, own_place, attempt_place;
    char *chunk; /* owned: the part that was read back last */
    size_t chunk_size;
    uint32_t chunk_number;
    struct content_read *reading; /* a part that is on its way */
    int error;                    /* of the last read, a negative errno */
    struct buf line;              /* the beginning of a line that is in several runs */
    bool line_taken;
    void (*arrived)(void *owner); /* after -EAGAIN */
    void *owner;
};

enum { CURSOR_LINE = 1024 * 1024 }; /* bytes of the longest line that cursor_line gives */

/*
 * Opens the content of a copy, its own header fields and all edits included, from its beginning. Nothing is
 * read yet. Takes a reference to the body; the envelope need not outlive this call. `arrived(owner)` may be
 * called until cursor_close; not needed where cursors block.
 */
void cursor_open(struct message_cursor *cursor, const struct envelope *envelope,
                 struct content_reader *reader, void (*arrived)(void *owner), void *owner);
/*
 * 1: cursor->run holds bytes; 0: all was consumed; -EAGAIN: `arrived` will be called, ask again then; another
 * negative errno: the spool cannot give the rest.
 */
int cursor_fetch(struct message_cursor *cursor);
/* Goes on by `size` bytes of the run, whose bytes stay where they are until the next cursor_fetch. */
static inline void cursor_consume(struct message_cursor *cursor, uint64_t size)
{
    cursor->at += size;
    cursor->run.data += size;
    cursor->run.size -= size;
}
/*
 * Reads what there has to be read before the first bytes of the content itself are at hand, whatever is in
 * front of it, so that content that cannot be read is known early. As cursor_fetch; the cursor is at the
 * beginning afterwards.
 */
int cursor_prepare(struct message_cursor *cursor);
/*
 * 1: *line is the next one, CR LF included, which only the last may lack; valid until the next call. 0: that
 * was the last; -EMSGSIZE: it is longer than CURSOR_LINE; else as cursor_fetch.
 */
int cursor_line(struct message_cursor *cursor, struct slice *line);
/* Goes on at `offset`, or at the end when it is behind that. */
void cursor_seek(struct message_cursor *cursor, uint64_t offset);
/* Goes on behind the empty line that ends the header, or at the end. As cursor_fetch; 1: there. */
int cursor_seek_body(struct message_cursor *cursor);
/*
 * Is the header ASCII? Asked at the beginning, after cursor_prepare; goes back there. A header that does not
 * end in what is at hand is, when all of the content is (`eight_bit`: it is not).
 */
bool cursor_header_is_ascii(struct message_cursor *cursor, bool eight_bit);
static inline uint64_t cursor_size(const struct message_cursor *cursor)
{
    return cursor->source.size;
}
/*
 * Passes the part that was read back last to the caller, if it is the first part of the content: *size bytes from
 * malloc. The cursor reads it again when it needs it. Returns NULL if it is another part, or none.
 */
char *cursor_take_first(struct message_cursor *cursor, size_t *size);
/* Lets go of everything; a read under way is forgotten. Harmless when not open. */
void cursor_close(struct message_cursor *cursor);

/*
 * Opens content that is not an envelope's: `source` as far as its edits and parts go; its size and body's
 * reference are made here.
 */
void cursor_open_source(struct message_cursor *cursor, const struct content_source *source,
                        struct content_reader *reader, void (*arrived)(void *owner), void *owner);
/* The source has changed: goes on at the same offset in the new one. */
void cursor_change_source(struct message_cursor *cursor, const struct content_source *source);

#endif
