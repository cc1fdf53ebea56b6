/*
 * content: see content.h.
 *
 * The text is kept twice: as it is, and with dot-stuffing. All lines differ, and every 16th begins with a dot.
 */
#include "tools/load/content.h"

#include <inttypes.h>
#include <stdio.h>
#include <zlib.h>
#include "base/mem.h"
#include "tools/load/random.h"

enum {
    LINES = 16384,
    DOT_EVERY = 16,
    STRIDE = 7919
}; /* the last one is prime: messages begin at different lines */
enum part { PART_HEAD, PART_BODY, PART_TAIL, PART_END };

struct content_pool {
    size_t raw_size, stuffed_size;
    char raw[LINES * CONTENT_LINE + 1];
    char stuffed[LINES * (CONTENT_LINE + 1) + 1];
    uint32_t sums[LINES + 1]; /* CRC-32 of the first i lines of `raw` */
};

/* ---- the text ---------------------------------------------------------------------------------- */

static void write_line(char line[CONTENT_LINE + 1], unsigned number)
{
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    int size = snprintf(line, CONTENT_LINE, "%s%05u ", number % DOT_EVERY == 0 ? "." : "", number);
    uint64_t bits = 0;
    for (int i = size; i < CONTENT_LINE - 2; i++, bits >>= 6) {
        if ((i - size) % 10 == 0)
            bits = random_at(number, (uint64_t)i);
        line[i] = letters[bits & 63];
    }
    memcpy(line + CONTENT_LINE - 2, "\r\n", 3);
}

struct content_pool *content_pool_create(void)
{
    struct content_pool *pool = mem_new(struct content_pool);
    for (unsigned i = 0; i < LINES; i++) {
        char *line = pool->raw + pool->raw_size;
        write_line(line, i);
        pool->sums[i + 1] = (uint32_t)crc32_z(pool->sums[i], (const unsigned char *)line, CONTENT_LINE);
        pool->raw_size += CONTENT_LINE;
        if (*line == '.')
            pool->stuffed[pool->stuffed_size++] = '.';
        memcpy(pool->stuffed + pool->stuffed_size, line, CONTENT_LINE);
        pool->stuffed_size += CONTENT_LINE;
    }
    return pool;
}

void content_pool_free(struct content_pool *pool)
{
    free(pool);
}

/* How many bytes come before a line, which may be LINES or more: the text then begins again. */
static uint64_t offset_of(const struct content_pool *pool, uint64_t line, bool stuffed)
{
    uint64_t rounds = line / LINES, rest = line % LINES;
    if (!stuffed)
        return rounds * pool->raw_size + rest * CONTENT_LINE;
    return rounds * pool->stuffed_size + rest * CONTENT_LINE + (rest + DOT_EVERY - 1) / DOT_EVERY;
}

/* The checksum of what precedes, continued over a range of lines. */
static uint32_t add_lines(const struct content_pool *pool, uint32_t sum, uint64_t line, uint64_t lines)
{
    while (lines > 0) {
        uint64_t part = lines < LINES - line ? lines : LINES - line;
        z_off_t size = (z_off_t)(part * CONTENT_LINE);
        uLong range = pool->sums[line + part] ^ crc32_combine(pool->sums[line], 0, size);
        sum = (uint32_t)crc32_combine(sum, range, size);
        line = 0;
        lines -= part;
    }
    return sum;
}

/* ---- messages ---------------------------------------------------------------------------------- */

/* The header with room for the stamp, whose length is returned. */
static size_t write_head(struct buf *head, const struct content_letter *letter)
{
    char stamp[STAMP_LINE];
    size_t size = stamp_format(&(struct stamp){.number = letter->number}, stamp);
    buf_clear(head);
    buf_append(head, stamp, size);
    buf_printf(head,
               "Date: %s\r\nFrom: <%.*s>\r\nTo: <%.*s>\r\nMessage-ID: <%016" PRIx64 ".%" PRIu64
               "@%s>\r\nSubject: impulse-load %" PRIu64 "\r\n\r\n",
               letter->date, (int)letter->from.size, letter->from.data, (int)letter->to.size, letter->to.data,
               letter->run, letter->number, letter->host, letter->number);
    return size;
}

/* What whole lines leave over becomes a line of its own. Returns the number of whole lines. */
static uint64_t write_tail(struct content *content, uint64_t size)
{
    uint64_t lines = size / CONTENT_LINE;
    content->tail_size = size % CONTENT_LINE;
    if (content->tail_size == 1) { /* there is no line of one byte */
        content->tail_size += lines ? CONTENT_LINE : 1;
        lines -= lines > 0;
    }
    if (content->tail_size > 0) {
        memset(content->tail, 'x', content->tail_size);
        memcpy(content->tail + content->tail_size - 2, "\r\n", 2);
    }
    return lines;
}

void content_begin(struct content *content, const struct content_pool *pool,
                   const struct content_letter *letter)
{
    content->pool = pool;
    content->stuffed = letter->stuffed;
    size_t stamp_size = write_head(&content->head, letter), head = buf_size(&content->head);
    uint64_t lines = write_tail(content, letter->size > head ? letter->size - head : 0);
    uint64_t line = letter->number % LINES * STRIDE % LINES;
    const char *fields = buf_slice(&content->head).data + stamp_size;
    struct stamp stamp = {letter->run, letter->number,
                          head - stamp_size + lines * CONTENT_LINE + content->tail_size, 0};
    stamp.sum = (uint32_t)crc32_z(0, (const unsigned char *)fields, head - stamp_size);
    stamp.sum = add_lines(pool, stamp.sum, line, lines);
    stamp.sum = (uint32_t)crc32_z(stamp.sum, (const unsigned char *)content->tail, content->tail_size);
    char text[STAMP_LINE];
    buf_replace(&content->head, 0, stamp_size, slice_of(text, stamp_format(&stamp, text)));
    content->size = stamp_size + stamp.size;
    content->part = PART_HEAD;
    content->at = 0;
    content->body_at = (size_t)offset_of(pool, line, letter->stuffed);
    content->body_left =
        offset_of(pool, line + lines, letter->stuffed) - offset_of(pool, line, letter->stuffed);
    content->left = head + content->body_left + content->tail_size;
}

/* Returns what is left of a part, in one piece. */
static struct slice rest_of_part(const struct content *content)
{
    const struct content_pool *pool = content->pool;
    struct slice head = buf_slice(&content->head);
    switch (content->part) {
    case PART_HEAD:
        return slice_of(head.data + content->at, head.size - content->at);
    case PART_BODY: {
        size_t size = (content->stuffed ? pool->stuffed_size : pool->raw_size) - content->at;
        return slice_of((content->stuffed ? pool->stuffed : pool->raw) + content->at,
                        size < content->body_left ? size : (size_t)content->body_left);
    }
    default:
        return slice_of(content->tail + content->at, content->tail_size - content->at);
    }
}

/* Goes on behind a part: with the next one, or at the beginning of the text. */
static void begin_part(struct content *content)
{
    content->at = 0;
    if (content->part == PART_BODY && content->body_left > 0)
        return;
    content->part++;
    if (content->part == PART_BODY)
        content->at = content->body_at;
}

struct slice content_take(struct content *content, uint64_t most)
{
    struct slice rest = {0};
    while (content->left > 0 && (rest = rest_of_part(content)).size == 0)
        begin_part(content);
    if (rest.size > most)
        rest.size = (size_t)most;
    content->at += rest.size;
    content->left -= rest.size;
    if (content->part == PART_BODY)
        content->body_left -= rest.size;
    return rest;
}

void content_release(struct content *content)
{
    buf_release(&content->head);
}
