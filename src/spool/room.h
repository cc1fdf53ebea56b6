/*
 * room: how much may still be written to a file system, asked for every message and so answered from a cache.
 * Nothing may when the directory is gone: what is written to files that nobody finds again is lost, and
 * writing to them works.
 *
 * Lock-free; any thread. The cache is at most ROOM_CACHE_MS old, and what was admitted meanwhile is taken
 * off.
 */
#ifndef IMPULSE_SPOOL_ROOM_H
#define IMPULSE_SPOOL_ROOM_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

enum { ROOM_CACHE_MS = 1000 };

struct room {
    const char *path; /* the directory; owned by the caller */
    dev_t device;     /* and what tells it from another one of that name */
    ino_t inode;
    uint64_t reserve;          /* bytes that shall stay free */
    _Atomic uint64_t stale_at; /* clock_mono_ms after which `free` is asked for again */
    _Atomic uint64_t free;     /* bytes when it was last asked */
    _Atomic uint64_t admitted; /* bytes since then */
    _Atomic bool low;          /* the reserve was touched, and said so */
    _Atomic bool gone;         /* the directory is not there, and said so */
};

void room_init(struct room *room, const char *path, uint64_t reserve);
/* Would the reserve stay free after `size` more bytes? */
bool room_has(struct room *room, uint64_t size);
/* How many more bytes may be written; 0 when the directory is gone. */
uint64_t room_left(struct room *room);
/* The same, and if so they are taken off until the file system is asked again. */
bool room_take(struct room *room, uint64_t size);

#endif
