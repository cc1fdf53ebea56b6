/*
 * reclaimer: the thread that gives the space of removed messages back to the file system.
 *
 * A removal is a small row; the content it is about leaves the disk when the backend compacts, and nothing
 * makes it do so when a large queue was delivered and no more mail comes. The reclaimer compares now and then
 * what is stored with what is needed, and asks for a compaction when most of it is not.
 */
#ifndef IMPULSE_SPOOL_RECLAIMER_H
#define IMPULSE_SPOOL_RECLAIMER_H

#include "spool/backend.h"

struct reclaimer;

enum {
    RECLAIMER_LOOK_MS = 5000,
    RECLAIMER_LEAST_BYTES = 64 * 1024 * 1024, /* less is not worth a compaction, */
    RECLAIMER_LEAST_RESTING =
        1024 * 1024, /* but of what was discarded, when no more was since the look before */
};

/* Starts the thread, which looks every `look_ms`, and twice as often for what was discarded; the backend outlives it.
 * NULL with errno set. */
struct reclaimer *reclaimer_start(struct spool_backend *backend, unsigned look_ms);
/* So much content was found at start. What was removed before was perhaps not given back, so it looks for
 * that. */
void reclaimer_found(struct reclaimer *reclaimer, uint64_t bytes);
/* Content was stored; content was removed. Any thread. */
void reclaimer_add(struct reclaimer *reclaimer, uint64_t bytes);
void reclaimer_remove(struct reclaimer *reclaimer, uint64_t bytes);
/* The parts of a body that was never stored whole were removed. Bodies that are discarded were written at about the same time, so
 * only the files of that time are compacted, which pays even where much else is stored, and for little. Any thread. */
void reclaimer_discard(struct reclaimer *reclaimer, uint64_t body_id, uint64_t bytes);
/* Interrupts what it does, ends the thread, frees. */
void reclaimer_stop(struct reclaimer *reclaimer);

#endif
