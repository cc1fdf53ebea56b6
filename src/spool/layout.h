/*
 * layout: the rows of the spool.
 *
 *   table  key (numbers big-endian, so that order is age)   value
 *   meta   envelope id, 0                                   envelope_encode's record, put once
 *   meta   envelope id, 1                                   retry state, put at every failed attempt
 *   meta   body id, 2                                       empty: a large body is arriving; dropped when it
 *                                                           is stored
 *   meta   body id, 3                                       the body's edits (edits_seal), put once; only of
 *                                                           bodies that have some
 *   body   body id, number of the chunk                     bytes, put once
 *
 * A row that is put once is dropped, which lets a backend forget row and removal together; the retry state is
 * a row of its own because it is put many times.
 */
#ifndef IMPULSE_SPOOL_LAYOUT_H
#define IMPULSE_SPOOL_LAYOUT_H

#include <endian.h>
#include <stdbool.h>
#include <stdint.h>
#include "base/slice.h"

enum layout_kind { LAYOUT_ENVELOPE, LAYOUT_RETRY, LAYOUT_ARRIVING, LAYOUT_EDITS };

enum { LAYOUT_ID_SIZE = 8, LAYOUT_META_SIZE = 9, LAYOUT_BODY_SIZE = 12, LAYOUT_RETRY_SIZE = 12 };

/* Room for any key; the slice that the functions return points into it. */
struct layout_key {
    char bytes[LAYOUT_BODY_SIZE];
};

static inline struct slice layout_id_key(struct layout_key *key, uint64_t id)
{
    uint64_t big = htobe64(id);
    memcpy(key->bytes, &big, sizeof big);
    return slice_of(key->bytes, LAYOUT_ID_SIZE);
}

static inline struct slice layout_meta_key(struct layout_key *key, uint64_t id, enum layout_kind kind)
{
    layout_id_key(key, id);
    key->bytes[LAYOUT_ID_SIZE] = (char)kind;
    return slice_of(key->bytes, LAYOUT_META_SIZE);
}

static inline struct slice layout_body_key(struct layout_key *key, uint64_t id, uint32_t chunk)
{
    uint32_t big = htobe32(chunk);
    layout_id_key(key, id);
    memcpy(key->bytes + LAYOUT_ID_SIZE, &big, sizeof big);
    return slice_of(key->bytes, LAYOUT_BODY_SIZE);
}

/* The id that any key begins with. */
static inline uint64_t layout_key_id(const char *key)
{
    uint64_t big;
    memcpy(&big, key, sizeof big);
    return be64toh(big);
}

/* Reads a meta key back. False if it is none. */
static inline bool layout_meta_parse(struct slice key, uint64_t *id, enum layout_kind *kind)
{
    if (key.size != LAYOUT_META_SIZE || (unsigned char)key.data[LAYOUT_ID_SIZE] > LAYOUT_EDITS)
        return false;
    *id = layout_key_id(key.data);
    *kind = (enum layout_kind)key.data[LAYOUT_ID_SIZE];
    return true;
}

/* The retry row's value: next attempt (microseconds, 8 bytes) and failed attempts (4 bytes), little-endian,
 * then the remark, if there is one. */
static inline struct slice layout_retry_value(char bytes[static LAYOUT_RETRY_SIZE], uint64_t next_attempt_us,
                                              uint32_t retries)
{
    uint64_t next = htole64(next_attempt_us);
    uint32_t count = htole32(retries);
    memcpy(bytes, &next, sizeof next);
    memcpy(bytes + sizeof next, &count, sizeof count);
    return slice_of(bytes, LAYOUT_RETRY_SIZE);
}

static inline bool layout_retry_parse(struct slice value, uint64_t *next_attempt_us, uint32_t *retries)
{
    uint64_t next;
    uint32_t count;
    if (value.size < LAYOUT_RETRY_SIZE)
        return false;
    memcpy(&next, value.data, sizeof next);
    memcpy(&count, value.data + sizeof next, sizeof count);
    *next_attempt_us = le64toh(next);
    *retries = le32toh(count);
    return true;
}

#endif
