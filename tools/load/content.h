/*
 * content: the messages that impulse-load sends, with their stamps, without being written out.
 *
 * The body of each message is a range of lines of one large text. Each message has another range, so that a block of
 * one message that ends up in another is detected. The checksum of a range is computed from those of the text up to
 * its beginning and up to its end. So only the header of a message has to be made, however large the message is.
 */
#ifndef IMPULSE_TOOLS_LOAD_CONTENT_H
#define IMPULSE_TOOLS_LOAD_CONTENT_H

#include "base/buf.h"
#include "tools/load/stamp.h"

enum { CONTENT_LINE = 78 }; /* bytes of a line of the text, its CR LF included */

struct content_pool;

/* Makes the text. Any thread may read it then; nothing changes it. */
struct content_pool *content_pool_create(void);
void content_pool_free(struct content_pool *pool);

struct content_letter { /* what goes into the header */
    uint64_t run, number;
    uint64_t size;     /* bytes of the whole, as it is received; it is never smaller than its header */
    const char *date;  /* of RFC 5322 */
    const char *host;  /* of the Message-ID */
    struct slice from; /* addresses */
    struct slice to;
    bool stuffed; /* for DATA: a dot at the beginning of a line is doubled */
};

struct content { /* zero-initialised: no message */
    const struct content_pool *pool;
    struct buf head;
    size_t tail_size;
    char tail[2 * CONTENT_LINE];
    size_t part, at;    /* of head, body, tail: which is being read, and from where */
    size_t body_at;     /* where the body begins in the text */
    uint64_t body_left; /* bytes to be read from the text, which begins again at its end */
    uint64_t left;      /* bytes to be read of all */
    uint64_t size;      /* bytes of the whole, as it is received */
    bool stuffed;
};

/* Makes a message in place of the one before. */
void content_begin(struct content *content, const struct content_pool *pool,
                   const struct content_letter *letter);
/*
 * Returns the next bytes, at most `most` (1 or more), which stay where they are until the next content_begin. Returns
 * an empty slice at the end.
 */
struct slice content_take(struct content *content, uint64_t most);
void content_release(struct content *content);

#endif
