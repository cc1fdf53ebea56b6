/*
 * machine_memory: how much memory the process may use and how much of it is in use, where the limit is closest: the
 * machine's memory, a cgroup's limit (versions 1 and 2), RLIMIT_AS or RLIMIT_DATA.
 *
 * Memory that the kernel takes back when it is needed (MemAvailable, a cgroup's cache of files) counts as free.
 */
#ifndef IMPULSE_BASE_MACHINE_MEMORY_H
#define IMPULSE_BASE_MACHINE_MEMORY_H

#include <stdint.h>

struct machine_memory {
    /* Bytes, of the limit that is closest to being reached; both 0: nothing can be read. */
    uint64_t total, used;
    const char *where; /* what has that limit: "this machine", "the cgroup", ...; static */
    uint64_t smallest; /* bytes: the smallest of all limits; 0: not known */
};

/*
 * Reads the state. `root` is "" or the folder in which the files below /proc and /sys are looked for (tests). Reads a
 * few small files of the kernel, none from a disk. Any thread.
 */
void machine_memory_read(const char *root, struct machine_memory *memory);

#endif
