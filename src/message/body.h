/*
 * body: the content of a message, immutable once received, shared by the envelopes of its recipients.
 *
 * Content is what goes on the wire after DATA, un-stuffed, with CR LF line ends, the trace header first. A
 * small body is one block in memory and one row in the spool; a large one is a row of chunks of BODY_CHUNK
 * bytes that were stored while they arrived, and is read back a chunk at a time. A small body's memory may be
 * let go while it waits in the queue (body_drop) and read back later, which is spool_body_read's work.
 *
 * Whoever holds the only reference (the session until the first queue_accept) reads `memory` directly.
 * Afterwards envelopes on several loops share the body and any of them may drop the memory, so it is read
 * between body_pin and body_unpin only.
 */
#ifndef IMPULSE_MESSAGE_BODY_H
#define IMPULSE_MESSAGE_BODY_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include "base/slice.h"

enum { BODY_CHUNK = 256 * 1024 };

struct body {
    uint64_t id;                 /* spool key; from id_next */
    uint64_t size;               /* bytes in all, as stored: without the edits */
    _Atomic uint32_t references; /* who holds the struct */
    _Atomic uint32_t
        undelivered;      /* envelopes in the spool that still need the content; at 0 the rows are removed */
    uint32_t chunks;      /* rows in the spool; 1 for a small body */
    bool eight_bit;       /* holds a byte above 127 */
    bool incomplete;      /* the spool's: a chunk of it could not be kept; committer thread only */
    char *memory;         /* all `size` bytes (owned), or NULL when the content is only in the spool */
    char *edits;          /* owned: what became of the content while it arrived, sealed; NULL: nothing */
    _Atomic int32_t pins; /* readers of `memory` at this moment; negative: there is none */
    uint32_t edits_size;
};

/* What an envelope's record says of its body. */
struct body_facts {
    uint64_t id, size;
    uint32_t chunks;
    bool eight_bit;
    bool edited; /* its edits are in a row of their own */
};

/* A body of one chunk, with one reference; takes `memory` (from malloc, may be NULL). Any thread. */
struct body *body_create(uint64_t id, char *memory, uint64_t size);
struct body *body_ref(struct body *body);
/* The last reference frees memory. The spool's rows are not touched. Any thread. */
void body_unref(struct body *body);

/* The edits in their sealed form (edits.h); empty: there are none. Like the content they never change. */
static inline struct slice body_edits(const struct body *body)
{
    return slice_of(body->edits, body->edits_size);
}
/* Takes `edits` (from malloc), which edits_open took. Before anybody else has a reference. */
void body_set_edits(struct body *body, char *edits, uint32_t size);
/* Bytes of the content with the edits. */
uint64_t body_edited_size(const struct body *body);

/*
 * The content in memory, which stays there until body_unpin; NULL when it is only in the spool (then nothing
 * was pinned). Any thread, no lock.
 */
const char *body_pin(struct body *body);
void body_unpin(struct body *body);
/*
 * Lets the memory go unless somebody has it pinned. For a body that is in the spool: it does not come back by
 * itself. Any thread.
 */
void body_drop(struct body *body);
/* Bytes of content that all bodies of the process hold in memory. Any thread. */
uint64_t body_resident_bytes(void);

#endif
