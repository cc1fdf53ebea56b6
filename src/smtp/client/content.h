/*
 * content: a message's content part by part, from memory or from the spool.
 *
 * What is in memory stays pinned while it is read. What is not is read back a chunk at a time on a thread of
 * the SwapIn pool, so that a delivery holds one chunk of a large message. The loop's thread only.
 */
#ifndef IMPULSE_SMTP_CLIENT_CONTENT_H
#define IMPULSE_SMTP_CLIENT_CONTENT_H

#include "message/body.h"
#include "smtp/client/smtp_client.h"

struct content {
    struct smtpc_loop *home;
    struct body *body; /* a reference; NULL: not open */
    bool pinned;
    struct slice part; /* what is left of the part at hand */
    char *memory;      /* owned: the part, when it was read back */
    uint32_t next_chunk;
    struct content_read *reading; /* on its way */
    int error;                    /* of the last read, a negative errno */
    void (*arrived)(void *owner); /* after content_fetch said -EAGAIN */
    void *owner;
};

/* Takes a reference to `body`; nothing is read yet. `arrived(owner)` may come until content_close. */
void content_open(struct content *content, struct smtpc_loop *home, struct body *body,
                  void (*arrived)(void *owner), void *owner);
/*
 * 1: content->part holds bytes; 0: all was consumed; -EAGAIN: `arrived` will be called, ask again then;
 * another negative errno: the spool cannot give the rest.
 */
int content_fetch(struct content *content);
static inline void content_consume(struct content *content, size_t size)
{
    content->part.data += size;
    content->part.size -= size;
}
/* Lets go of everything; a read under way is forgotten. Harmless when not open. */
void content_close(struct content *content);
/* Frees what reads of content left behind. The loop has stopped. */
void content_free_all(struct smtpc_loop *home);

#endif
