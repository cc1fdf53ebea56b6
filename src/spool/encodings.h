/*
 * encodings: takes RocksDB's encodings of numbers and strings off the front of a slice.
 */
#ifndef IMPULSE_SPOOL_ENCODINGS_H
#define IMPULSE_SPOOL_ENCODINGS_H

#include <endian.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include "base/slice.h"

/* Each returns false when the slice is too short or the number too large; then it may be half taken. */

static inline bool field_bytes(struct slice *from, uint64_t size, struct slice *bytes)
{
    if (from->size < size)
        return false;
    *bytes = slice_of(from->data, (size_t)size);
    *from = slice_of(from->data + size, from->size - (size_t)size);
    return true;
}

/* Seven bits a byte, the least first; the eighth bit says that more follow. */
static inline bool field_varint(struct slice *from, uint64_t *value)
{
    *value = 0;
    for (unsigned shift = 0; shift < 64 && from->size > 0; shift += 7) {
        unsigned char byte = (unsigned char)from->data[0];
        *from = slice_of(from->data + 1, from->size - 1);
        *value |= (uint64_t)(byte & 0x7f) << shift;
        if (byte < 0x80)
            return true;
    }
    return false;
}

/* Behind its length, a varint. */
static inline bool field_string(struct slice *from, struct slice *bytes)
{
    uint64_t size;
    return field_varint(from, &size) && field_bytes(from, size, bytes);
}

static inline bool field_fixed64(struct slice *from, uint64_t *value)
{
    struct slice bytes;
    if (!field_bytes(from, sizeof *value, &bytes))
        return false;
    memcpy(value, bytes.data, sizeof *value);
    *value = le64toh(*value);
    return true;
}

static inline bool field_fixed32(struct slice *from, uint32_t *value)
{
    struct slice bytes;
    if (!field_bytes(from, sizeof *value, &bytes))
        return false;
    memcpy(value, bytes.data, sizeof *value);
    *value = le32toh(*value);
    return true;
}

#endif
