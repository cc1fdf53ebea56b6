/* message_harness: see message_harness.h. */
#include "message_harness.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include "base/mem.h"

int blocks_read(void *spool, const struct body *body, uint32_t chunk, char **data, size_t *size)
{
    struct spool_of_blocks *blocks = spool;
    if (blocks->body_id != body->id || !blocks->blocks[chunk])
        return -ENOENT;
    *size = BODY_CHUNK;
    *data = mem_copy_text(blocks->blocks[chunk], BODY_CHUNK);
    return 0;
}

static struct spool_of_blocks *blocks_of(const struct message *message)
{
    return message->owner;
}

static struct content_reader *reader(struct message *message)
{
    return &blocks_of(message)->reader;
}

static uint64_t threshold(const struct message *message)
{
    (void)message;
    return BODY_CHUNK;
}

static int store(struct message *message, struct body *body, const char *bytes)
{
    struct spool_of_blocks *blocks = blocks_of(message);
    if (blocks->full)
        return -EAGAIN;
    if (blocks->body_id != body->id)
        for (unsigned i = 0; i < BLOCKS; i++) {
            free(blocks->blocks[i]);
            blocks->blocks[i] = NULL;
        }
    blocks->body_id = body->id;
    blocks->blocks[body->chunks++] = mem_copy_text(bytes, BODY_CHUNK);
    return 0;
}

static int settle(struct message *message)
{
    return blocks_of(message)->full ? -EAGAIN : 0;
}

static void discard(struct message *message, struct body *body)
{
    (void)body;
    blocks_of(message)->discards++;
}

static const struct message_keeper keeper = {
    .on_loop = reader,
    .blocking = reader,
    .threshold = threshold,
    .store = store,
    .settle = settle,
    .discard = discard,
};

struct message *blocks_message(struct spool_of_blocks *blocks, struct slice content, unsigned chunks)
{
    struct message *message = message_create(1, mem_dup("a@b"), "b");
    *blocks = (struct spool_of_blocks){0};
    content_reader_init(&blocks->reader, blocks_read, blocks);
    message->keeper = &keeper;
    message->owner = blocks;
    for (unsigned i = 0; i < chunks; i++) {
        if (i == 0) {
            message->body = body_create(7, NULL, 0);
            message->body->chunks = 0;
            message->head = mem_copy_text(content.data, BODY_CHUNK);
        }
        message_note_part(message, !slice_is_ascii(slice_of(content.data + message->stored, BODY_CHUNK)));
        store(message, message->body, content.data + message->stored);
        message->stored += BODY_CHUNK;
    }
    buf_append(&message->content, content.data + message->stored, content.size - message->stored);
    message->readable = true;
    return message;
}

void blocks_end(struct message *message, struct spool_of_blocks *blocks)
{
    message_end(message);
    message_unref(message);
    for (unsigned i = 0; i < BLOCKS; i++)
        free(blocks->blocks[i]);
}

void content_fill(struct buf *content, size_t size)
{
    buf_append_text(content,
                    "Received: x\r\n\ty\r\nFrom: a@b\r\nSubject: one\r\nX: 1\r\nx: 2\r\nX: 3\r\n\r\n");
    while (buf_size(content) < size)
        buf_printf(content, "line %zu of the body\r\n", buf_size(content));
}

bool message_is(struct message *message, struct slice expected)
{
    struct content_cursor cursor = {0};
    bool same = message_size(message) == expected.size;
    if (content_cursor_open(&cursor, message, NULL, NULL) != 0)
        return false;
    while (same && cursor_fetch(&cursor.cursor) == 1) {
        struct slice run = cursor.cursor.run;
        same = cursor.cursor.at + run.size <= expected.size &&
               memcmp(run.data, expected.data + cursor.cursor.at, run.size) == 0;
        cursor_consume(&cursor.cursor, run.size);
    }
    same = same && cursor.cursor.at == expected.size;
    content_cursor_close(&cursor);
    return same;
}

bool header_is(struct message *message, const char *expected)
{
    struct slice header = message_header(message);
    bool same = slice_equal(header, slice_text(expected));
    if (!same)
        printf("%.*s-- instead of:\n%s", (int)header.size, header.data, expected);
    return same;
}
