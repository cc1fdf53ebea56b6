/*
 * schedule: a binary heap whose items know their place in it.
 */
#include "queue/schedule.h"

#include "base/mem.h"

static void put(struct schedule *schedule, size_t position, struct schedule_item *item)
{
    schedule->items[position] = item;
    item->position = position;
}

static void sift_up(struct schedule *schedule, struct schedule_item *item, size_t position)
{
    while (position > 1 && schedule->items[position / 2]->when_us > item->when_us) {
        put(schedule, position, schedule->items[position / 2]);
        position /= 2;
    }
    put(schedule, position, item);
}

static void sift_down(struct schedule *schedule, struct schedule_item *item, size_t position)
{
    for (;;) {
        size_t child = position * 2;
        if (child > schedule->count)
            break;
        if (child < schedule->count && schedule->items[child + 1]->when_us < schedule->items[child]->when_us)
            child++;
        if (schedule->items[child]->when_us >= item->when_us)
            break;
        put(schedule, position, schedule->items[child]);
        position = child;
    }
    put(schedule, position, item);
}

void schedule_add(struct schedule *schedule, struct schedule_item *item)
{
    if (schedule->count + 1 >= schedule->capacity) {
        schedule->capacity = schedule->capacity ? schedule->capacity * 2 : 64;
        schedule->items = mem_resize(schedule->items, schedule->capacity * sizeof(struct schedule_item *));
    }
    sift_up(schedule, item, ++schedule->count);
}

void schedule_remove(struct schedule *schedule, struct schedule_item *item)
{
    size_t position = item->position;
    if (position == 0)
        return;
    struct schedule_item *last = schedule->items[schedule->count--];
    item->position = 0;
    if (last == item)
        return;
    if (position > 1 && schedule->items[position / 2]->when_us > last->when_us)
        sift_up(schedule, last, position);
    else
        sift_down(schedule, last, position);
}

struct schedule_item *schedule_first(const struct schedule *schedule)
{
    return schedule->count ? schedule->items[1] : NULL;
}

void schedule_release(struct schedule *schedule)
{
    free(schedule->items);
    *schedule = (struct schedule){0};
}
