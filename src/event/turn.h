/*
 * turn: how long the turns of a loop take, and what a long one does. Private to src/event; loop.h has what others call.
 *
 * A turn begins when the wait for events ends and lasts until the loop waits again. libuv notes when the wait ended
 * (uv_now), to the millisecond; the clock is read once, when the turn ends. The CPU time of the thread is a system call,
 * so it is read at the end of a turn, and only if the last reading is older than CPU_EVERY_US.
 */
#ifndef IMPULSE_EVENT_TURN_H
#define IMPULSE_EVENT_TURN_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include "event/loop.h"

struct turn_clock {
    uint64_t began_ms;    /* 0: not known, at the loop's first wait */
    bool began_noted;     /* in this turn */
    uint64_t cpu_us;      /* of the thread, when it was read last */
    uint64_t cpu_read_us; /* when */
    /* The loop's thread writes these, others read. */
    _Atomic(const char *) doing;
    _Atomic uint64_t number; /* turns that have ended */
    _Atomic uint64_t longest_us, longest_cpu_us;
    _Atomic uint64_t over[LOOP_BOUNDS];
    /* What the turn did when somebody looked; the loop's thread clears it. */
    _Atomic(const char *) seen;
};

/* Notes when the turn began, if that is not done: `now_ms` is uv_now, which nothing has updated since the wait. */
void turn_begin(struct turn_clock *turn, uint64_t now_ms);
/* Ends the turn. Returns true, and fills *found, if it took LOOP_LONG_MS or more. */
bool turn_end(struct turn_clock *turn, struct long_turn *found);

#endif
