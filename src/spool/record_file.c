/*
 * record_file: see record_file.h.
 */
#include "spool/record_file.h"

#include <endian.h>
#include <pthread.h>
#include <string.h>
#include "spool/mapped_file.h"

enum {
    BLOCK = 32768,
    HEAD = 7,           /* checksum, length, type */
    RECYCLED_HEAD = 11, /* and the log's number */
    FRAGMENT_WHOLE = 1, /* then first, middle, last; and the same again for recycled logs */
    FRAGMENT_FIRST = 2,
    FRAGMENT_MIDDLE = 3,
    FRAGMENT_LAST = 4,
};

/* ---- CRC-32C --------------------------------------------------------------------------------- */

enum { SLICES = 8 };
static uint32_t crc_table[SLICES][256];

static void fill_crc_table(void)
{
    for (uint32_t i = 0; i < 256; i++) {
        uint32_t crc = i;
        for (int bit = 0; bit < 8; bit++)
            crc = crc & 1 ? crc >> 1 ^ 0x82f63b78U : crc >> 1;
        crc_table[0][i] = crc;
    }
    for (uint32_t i = 0; i < 256; i++)
        for (int slice = 1; slice < SLICES; slice++)
            crc_table[slice][i] = crc_table[slice - 1][i] >> 8 ^ crc_table[0][crc_table[slice - 1][i] & 0xff];
}

uint32_t crc32c(uint32_t crc, const void *bytes, size_t size)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    const unsigned char *at = bytes;
    pthread_once(&once, fill_crc_table);
    crc = ~crc;
    for (; size >= SLICES; at += SLICES, size -= SLICES) {
        uint64_t eight;
        memcpy(&eight, at, sizeof eight);
        eight = le64toh(eight) ^ crc;
        crc = crc_table[7][eight & 0xff] ^ crc_table[6][eight >> 8 & 0xff] ^
              crc_table[5][eight >> 16 & 0xff] ^ crc_table[4][eight >> 24 & 0xff] ^
              crc_table[3][eight >> 32 & 0xff] ^ crc_table[2][eight >> 40 & 0xff] ^
              crc_table[1][eight >> 48 & 0xff] ^ crc_table[0][eight >> 56];
    }
    for (; size > 0; at++, size--)
        crc = crc >> 8 ^ crc_table[0][(crc ^ *at) & 0xff];
    return ~crc;
}

/* ---- the file ---------------------------------------------------------------------------------- */

int record_file_open(struct record_file *file, const char *path)
{
    struct mapped_file mapped;
    int error = mapped_file_open(&mapped, path);
    *file = (struct record_file){.bytes = mapped.bytes, .size = mapped.size};
    return error;
}

void record_file_close(struct record_file *file)
{
    mapped_file_close(&(struct mapped_file){.bytes = file->bytes, .size = file->size});
    buf_release(&file->whole);
    file->bytes = NULL;
}

bool record_file_skip(struct record_file *file)
{
    file->offset = file->resume;
    return file->offset < file->size;
}

struct fragment {
    int type; /* 1 to 4 */
    struct slice bytes;
};

/* `end` is where the damaged fragment ends, as far as its length can be believed: once in a block. */
static enum record_result damaged(struct record_file *file, size_t where, size_t end)
{
    bool again = file->damage > 0 && file->damage / BLOCK == where / BLOCK;
    file->damage = where;
    file->resume = end && !again ? end : (where / BLOCK + 1) * BLOCK;
    return RECORD_DAMAGED;
}

static bool is_sound(const char *head, size_t size)
{
    uint32_t stored;
    memcpy(&stored, head, sizeof stored);
    return le32toh(stored) == crc32c_masked(crc32c(0, head + 6, size - 6));
}

/* Are there only zeros from here to the end, as in a part of the file that was allocated in advance? */
static bool is_blank(const struct record_file *file)
{
    for (size_t i = file->offset; i < file->size; i++)
        if (file->bytes[i])
            return false;
    return true;
}

static enum record_result next_fragment(struct record_file *file, struct fragment *fragment)
{
    size_t rest = BLOCK - file->offset % BLOCK;
    if (rest < HEAD)
        file->offset += rest;
    if (file->offset + HEAD > file->size)
        return RECORD_END;
    const unsigned char *head = (const unsigned char *)file->bytes + file->offset;
    size_t length = head[4] | (size_t)head[5] << 8,
           head_size = head[6] > FRAGMENT_LAST ? RECYCLED_HEAD : HEAD;
    size_t left = BLOCK - file->offset % BLOCK;
    if (head[6] == 0 && length == 0)
        return is_blank(file) ? RECORD_END : damaged(file, file->offset, 0);
    if (head[6] > 2 * FRAGMENT_LAST || head_size + length > left)
        return damaged(file, file->offset, 0);
    if (file->offset + head_size + length > file->size)
        return RECORD_END;
    if (!is_sound((const char *)head, head_size + length))
        return damaged(file, file->offset, file->offset + head_size + length);
    fragment->type = head[6] > FRAGMENT_LAST ? head[6] - FRAGMENT_LAST : head[6];
    fragment->bytes = slice_of((const char *)head + head_size, length);
    file->offset += head_size + length;
    return RECORD_GOOD;
}

enum record_result record_file_next(struct record_file *file, struct slice *record)
{
    bool begun = false;
    for (;;) {
        struct fragment fragment;
        size_t where = file->offset;
        enum record_result result = next_fragment(file, &fragment);
        if (result != RECORD_GOOD)
            return result;
        bool begins = fragment.type == FRAGMENT_WHOLE || fragment.type == FRAGMENT_FIRST;
        if (begins == begun) { /* what belongs to it is lost; the fragment itself is sound */
            file->damage = where;
            file->resume = begins ? where : file->offset;
            return RECORD_DAMAGED;
        }
        if (fragment.type == FRAGMENT_WHOLE) {
            *record = fragment.bytes;
            return RECORD_GOOD;
        }
        if (begins)
            buf_clear(&file->whole);
        begun = true;
        buf_append_slice(&file->whole, fragment.bytes);
        if (fragment.type == FRAGMENT_LAST) {
            *record = buf_slice(&file->whole);
            return RECORD_GOOD;
        }
    }
}
