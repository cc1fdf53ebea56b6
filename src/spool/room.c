/*
 * room: a cached statvfs. Whoever finds the cache stale and wins the exchange asks the kernel; the others use
 * what was there.
 */
#include "spool/room.h"

#include <inttypes.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include "base/clock.h"
#include "log/paniclog.h"

/* Says when the reserve is touched, and when there is clearly more again. */
static void report(struct room *room, uint64_t available)
{
    bool was_low = atomic_load_explicit(&room->low, memory_order_relaxed);
    bool low = available < room->reserve + (was_low ? room->reserve / 16 : 0);
    if (low == was_low || !atomic_compare_exchange_strong(&room->low, &was_low, low))
        return;
    if (low)
        paniclog(PANIC_CRITICAL,
                 "spool: %" PRIu64 " MB are free at %s and %" PRIu64
                 " MB shall stay so: messages are refused with 452",
                 available / 1000000, room->path, room->reserve / 1000000);
    else
        paniclog(PANIC_NOTICE, "spool: there is room at %s again", room->path);
}

static void report_gone(struct room *room, bool gone)
{
    if (atomic_exchange(&room->gone, gone) == gone)
        return;
    if (gone)
        paniclog(PANIC_CRITICAL,
                 "spool: the directory %s was removed, renamed or replaced while it is in use: messages are "
                 "refused with 452 until it is back, or impulsed is started again",
                 room->path);
    else
        paniclog(PANIC_NOTICE, "spool: the directory %s is back", room->path);
}

static bool is_gone(const struct room *room)
{
    struct stat there;
    return stat(room->path, &there) != 0 || there.st_dev != room->device || there.st_ino != room->inode;
}

static void refresh(struct room *room)
{
    struct statvfs fs;
    bool gone = is_gone(room);
    report_gone(room, gone);
    if (!gone && statvfs(room->path, &fs) != 0)
        return; /* the write itself will tell what is wrong */
    uint64_t available = gone ? 0 : (uint64_t)fs.f_bavail * fs.f_frsize;
    atomic_store_explicit(&room->admitted, 0, memory_order_relaxed);
    atomic_store_explicit(&room->free, available, memory_order_relaxed);
    if (!gone)
        report(room, available);
}

void room_init(struct room *room, const char *path, uint64_t reserve)
{
    struct stat there;
    bool known = stat(path, &there) == 0;
    room->path = path;
    room->device = known ? there.st_dev : 0;
    room->inode = known ? there.st_ino : 0;
    room->reserve = reserve;
    atomic_init(&room->admitted, 0);
    atomic_init(&room->free, UINT64_MAX);
    atomic_init(&room->low, false);
    atomic_init(&room->gone, false);
    atomic_init(&room->stale_at, clock_mono_ms() + ROOM_CACHE_MS);
    refresh(room);
}

/* False: the reserve is touched already, so that there is no room for an empty message either. */
static bool measure(struct room *room, uint64_t *left)
{
    uint64_t now = clock_mono_ms();
    uint64_t stale_at = atomic_load_explicit(&room->stale_at, memory_order_relaxed);
    if (now >= stale_at && atomic_compare_exchange_strong(&room->stale_at, &stale_at, now + ROOM_CACHE_MS))
        refresh(room);
    uint64_t available = atomic_load_explicit(&room->free, memory_order_relaxed);
    uint64_t admitted = atomic_load_explicit(&room->admitted, memory_order_relaxed);
    if (atomic_load_explicit(&room->gone, memory_order_relaxed) || available < room->reserve ||
        available - room->reserve < admitted)
        return false;
    *left = available - room->reserve - admitted;
    return true;
}

bool room_has(struct room *room, uint64_t size)
{
    uint64_t left;
    return measure(room, &left) && left >= size;
}

uint64_t room_left(struct room *room)
{
    uint64_t left;
    return measure(room, &left) ? left : 0;
}

bool room_take(struct room *room, uint64_t size)
{
    if (!room_has(room, size))
        return false;
    atomic_fetch_add_explicit(&room->admitted, size, memory_order_relaxed);
    return true;
}
