/*
 * message_harness: messages that arrive, whose keeper has a row of blocks for a spool.
 */
#ifndef IMPULSE_TESTS_MESSAGE_HARNESS_H
#define IMPULSE_TESTS_MESSAGE_HARNESS_H

#include "message/message_copy.h"

enum { BLOCKS = 64 };

struct spool_of_blocks {
    struct content_reader reader;
    char *blocks[BLOCKS];
    uint64_t body_id; /* whose they are */
    unsigned discards;
    bool full;
};

/* The read function of content_reader_init; `spool` is a spool_of_blocks. */
int blocks_read(void *spool, const struct body *body, uint32_t chunk, char **data, size_t *size);
/* Makes a message whose content has arrived; `chunks` of it are in the spool. */
struct message *blocks_message(struct spool_of_blocks *blocks, struct slice content, unsigned chunks);
/* Ends the message, and releases it and the blocks. */
void blocks_end(struct message *message, struct spool_of_blocks *blocks);

/* Appends a header with fields Received, From, Subject and three times X, and lines of a body up to `size` bytes. */
void content_fill(struct buf *content, size_t size);
/* Is this all of the content, read through a cursor? */
bool message_is(struct message *message, struct slice expected);
/* Is this the header? Prints both if it is not. */
bool header_is(struct message *message, const char *expected);

#endif
