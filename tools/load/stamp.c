/*
 * stamp: see stamp.h.
 */
#include "tools/load/stamp.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <zlib.h>

#define FIELD "X-Impulse-Load: "

size_t stamp_format(const struct stamp *stamp, char line[static STAMP_LINE])
{
    int size =
        snprintf(line, STAMP_LINE,
                 FIELD "run=%016" PRIx64 " number=%" PRIu64 " size=%010" PRIu64 " sum=%08" PRIx32 "\r\n",
                 stamp->run, stamp->number, stamp->size, stamp->sum);
    return (size_t)size;
}

bool stamp_parse(const char *line, struct stamp *stamp)
{
    int end = 0;
    return sscanf(line, FIELD "run=%16" SCNx64 " number=%20" SCNu64 " size=%10" SCNu64 " sum=%8" SCNx32 "%n",
                  &stamp->run, &stamp->number, &stamp->size, &stamp->sum, &end) == 4 &&
           line[end] == '\0';
}

void stamp_reader_begin(struct stamp_reader *reader)
{
    *reader = (struct stamp_reader){0};
}

/* A whole line of the header. Lines that are longer than a stamp have been cut. */
static void read_line(struct stamp_reader *reader)
{
    size_t size = reader->have;
    if (size && reader->line[size - 1] == '\r')
        size--;
    reader->line[size] = '\0';
    reader->have = 0;
    if (size == 0)
        reader->ended = true;
    else
        reader->found = stamp_parse(reader->line, &reader->stamp);
}

void stamp_reader_take(struct stamp_reader *reader, const char *data, size_t size)
{
    while (size > 0 && !reader->found && !reader->ended) {
        const char *end = memchr(data, '\n', size);
        size_t part = end ? (size_t)(end - data) : size, room = sizeof reader->line - 1 - reader->have;
        memcpy(reader->line + reader->have, data, part < room ? part : room);
        reader->have += part < room ? part : room;
        if (end) {
            part++;
            read_line(reader);
        }
        data += part;
        size -= part;
    }
    if (size == 0 || !reader->found)
        return;
    reader->size += size;
    reader->sum = (uint32_t)crc32_z(reader->sum, (const unsigned char *)data, size);
}

enum stamp_verdict stamp_reader_end(const struct stamp_reader *reader)
{
    if (!reader->found)
        return STAMP_MISSING;
    return reader->size == reader->stamp.size && reader->sum == reader->stamp.sum ? STAMP_WHOLE
                                                                                  : STAMP_ALTERED;
}
