/*
 * shim: the rules, which tests/harness/faults.py writes in the same layout, and the recorder of power losses.
 */
#ifndef IMPULSE_TESTS_FAULTS_SHIM_H
#define IMPULSE_TESTS_FAULTS_SHIM_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

enum fault_call {
    FAULT_WRITE,
    FAULT_PWRITE,
    FAULT_WRITEV,
    FAULT_FDATASYNC,
    FAULT_FSYNC,
    FAULT_RENAME,
    FAULT_OPEN, /* for writing */
    FAULT_MKDIR,
};

enum { FAULT_RULES = 8, FAULT_ALWAYS = 65536 };

struct fault_rule {
    uint32_t calls;  /* bits 1 << enum fault_call */
    uint32_t error;  /* errno; 0: a write is short */
    int32_t skip;    /* so many calls pass before */
    uint32_t chance; /* of FAULT_ALWAYS */
    int32_t times;   /* how often yet */
    char path[44];   /* a part of the path; "": any */
};

struct fault_rules {
    uint32_t armed;
    uint32_t struck; /* how many calls have failed */
    uint64_t seed;
    struct fault_rule rules[FAULT_RULES];
};

/* ---- power_loss.c: no-ops unless begun --------------------------------------------------------- */

void shadow_begin(const char *folder, const char *shadow);
/* The file was created or emptied. */
void shadow_create(int fd);
/* Something before the end was overwritten. */
void shadow_rewrite(int fd, off_t offset);
struct shadow_sync;
/* Before and after a sync. */
struct shadow_sync *shadow_sync_begin(int fd);
void shadow_sync_end(struct shadow_sync *sync, bool good);

#endif
