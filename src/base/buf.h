/*
 * buf: a growable byte buffer with a read end and a write end.
 *
 * Bytes are appended at the tail and consumed at the head; consuming does not move memory until room is
 * needed. A buf is owned by one thread at a time. Zero-initialised is empty and valid.
 */
#ifndef IMPULSE_BASE_BUF_H
#define IMPULSE_BASE_BUF_H

#include "base/slice.h"

struct buf {
    char *memory;    /* owned; NULL while nothing was ever written or after buf_release */
    size_t head;     /* offset of the first unread byte */
    size_t tail;     /* offset after the last byte */
    size_t capacity; /* bytes at memory */
};

static inline size_t buf_size(const struct buf *b)
{
    return b->tail - b->head;
}

/* The unread bytes; valid until the next change to the buf. */
static inline struct slice buf_slice(const struct buf *b)
{
    return (struct slice){b->memory ? b->memory + b->head : NULL, b->tail - b->head};
}

/* Makes room for `size` more bytes and returns where they go; commit them with buf_commit. */
char *buf_reserve(struct buf *b, size_t size) __attribute__((returns_nonnull));
/* The same; NULL if there is no memory for it. The content is as before then. */
char *buf_try_reserve(struct buf *b, size_t size);

/* Counts `size` bytes written at buf_reserve's pointer as content. */
static inline void buf_commit(struct buf *b, size_t size)
{
    b->tail += size;
}

static inline void buf_consume(struct buf *b, size_t size)
{
    b->head += size;
    if (b->head == b->tail)
        b->head = b->tail = 0;
}

static inline void buf_clear(struct buf *b)
{
    b->head = b->tail = 0;
}

/* Forgets what comes after the first `size` unread bytes. */
static inline void buf_truncate(struct buf *b, size_t size)
{
    if (size < buf_size(b))
        b->tail = b->head + size;
}

void buf_append(struct buf *b, const void *data, size_t size);
/* The same with a '?' for each control character: what it is appended to stays one line. */
void buf_append_printable(struct buf *b, struct slice text);
/* `with` takes the place of `size` bytes, `offset` bytes behind the first unread one. */
void buf_replace(struct buf *b, size_t offset, size_t size, struct slice with);
void buf_append_text(struct buf *b, const char *text);
static inline void buf_append_slice(struct buf *b, struct slice s)
{
    buf_append(b, s.data, s.size);
}
void buf_printf(struct buf *b, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Gives back room that the content does not need. */
void buf_fit(struct buf *b);

/* Frees the memory; the buf is empty and usable afterwards. */
void buf_release(struct buf *b);

/* Hands the memory to the caller (free() it), moved so that it begins at the first unread byte. */
char *buf_take(struct buf *b, size_t *size);

#endif
