/*
 * schedule: what happens at which wall clock time: a binary heap of items that live inside their owners.
 *
 * Adding, taking the earliest and removing any item cost O(log n); an item costs 8 bytes of heap beside
 * itself. One thread at a time.
 */
#ifndef IMPULSE_QUEUE_SCHEDULE_H
#define IMPULSE_QUEUE_SCHEDULE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct schedule_item {
    uint64_t when_us;                        /* set before schedule_add */
    size_t position;                         /* in the heap, from 1; 0: not scheduled */
    void (*due)(struct schedule_item *item); /* for the owner of the schedule to call; unlinked by then */
};

struct schedule {                 /* zero-initialised is empty */
    struct schedule_item **items; /* items[1] is the earliest */
    size_t count, capacity;
};

void schedule_add(struct schedule *schedule, struct schedule_item *item);
/* Harmless for an item that is not scheduled. */
void schedule_remove(struct schedule *schedule, struct schedule_item *item);
/* The earliest item, still scheduled, or NULL. */
struct schedule_item *schedule_first(const struct schedule *schedule);
static inline bool schedule_has(const struct schedule_item *item)
{
    return item->position != 0;
}
/* Frees the heap; the items are their owners'. */
void schedule_release(struct schedule *schedule);

#endif
