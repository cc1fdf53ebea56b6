/*
 * stamp: see stamp.h.
 */
#include "tools/load/stamp.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
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

/* Reads `name` and a number behind it; *line moves on. False if either is missing, or the number is too large. */
static bool take(const char **line, const char *name, int base, uint64_t most, uint64_t *number)
{
    size_t size = strlen(name);
    char *end;
    if (strncmp(*line, name, size) != 0 || !isxdigit((unsigned char)(*line)[size]))
        return false;
    errno = 0;
    *number = strtoull(*line + size, &end, base);
    *line = end;
    return errno == 0 && *number <= most;
}

bool stamp_parse(const char *line, struct stamp *stamp)
{
    uint64_t sum = 0;
    bool whole = take(&line, FIELD "run=", 16, UINT64_MAX, &stamp->run) &&
                 take(&line, " number=", 10, UINT64_MAX, &stamp->number) &&
                 take(&line, " size=", 10, UINT64_MAX, &stamp->size) &&
                 take(&line, " sum=", 16, UINT32_MAX, &sum) && *line == '\0';
    stamp->sum = (uint32_t)sum;
    return whole;
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
