/*
 * room: how much may still be written to a file system, asked for every message and so answered from a cache.
 *
 * Lock-free; any thread. The cache is at most ROOM_CACHE_MS old, and what was admitted meanwhile is taken
 * off.
 */
#ifndef IMPULSE_SPOOL_ROOM_H
#define IMPULSE_SPOOL_ROOM_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

enum { ROOM_CACHE_MS = 1000 };

struct room {
    const char *path;          /* a file or directory on the file system; owned by the caller */
    uint64_t reserve;          /* bytes that shall stay free */
    _Atomic uint64_t stale_at; /* clock_mono_ms after which `free` is asked for again */
    _Atomic uint64_t free;     /* bytes when it was last asked */
    _Atomic uint64_t admitted; /* bytes since then */
    _Atomic bool low;          /* the reserve was touched, and said so */
};

void room_init(struct room *room, const char *path, uint64_t reserve);
/* Would the reserve stay free after `size` more bytes? */
bool room_has(struct room *room, uint64_t size);
/* The same, and if so they are taken off until the file system is asked again. */
bool room_take(struct room *room, uint64_t size);

#endif
