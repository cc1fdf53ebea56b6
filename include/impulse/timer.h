/*
 * impulse/timer.h: functions that run on an event loop when it is time.
 *
 * A timer belongs to the loop on whose thread it is made, and to the instance that makes it. When the instance ends
 * (after a reload, with the last session of its generation) its timers are stopped and freed before teardown, which
 * therefore must not touch them. In setup the loop is the main thread's; a module that wants a timer on every loop
 * posts a function to each that makes one (impulse/loop.h).
 *
 * For work of the instance as a whole every few seconds, on the main thread, imp_module_every (impulse/module.h) is
 * simpler.
 *
 * Example: once a minute, on the main thread.
 *
 *     static void expire(struct imp_timer *timer, void *closure) { forget_old_entries(closure); }
 *     ... in setup:
 *     imp_timer_start(imp_timer_create(module, expire, table), 60 * 1000, 60 * 1000);
 */
#ifndef IMPULSE_TIMER_H
#define IMPULSE_TIMER_H

#include "impulse/module.h"

#ifdef __cplusplus
extern "C" {
#endif

struct imp_timer;

/*
 * Makes a timer, not running, on the loop whose thread this is. NULL on a thread without one, when the instance has
 * ended or the process ends. All functions here: the timer's thread only.
 */
IMP_API struct imp_timer *imp_timer_create(struct imp_module *module,
                                           void (*fired)(struct imp_timer *timer, void *closure),
                                           void *closure);
/*
 * Calls `fired` in `delay_ms` milliseconds, and then every `repeat_ms` (0: once), until it is stopped. 0 for the delay
 * means in the loop's next turn. A timer that runs is set anew. NULL is harmless.
 */
IMP_API void imp_timer_start(struct imp_timer *timer, uint64_t delay_ms, uint64_t repeat_ms);
/* `fired` is not called until the timer is started again. NULL is harmless. */
IMP_API void imp_timer_stop(struct imp_timer *timer);
/* Will `fired` be called? Within `fired` this is false for a timer that runs once. */
IMP_API bool imp_timer_is_running(const struct imp_timer *timer);
/* Milliseconds until `fired` is called next, as of the loop's current turn; 0 when the timer is stopped. */
IMP_API uint64_t imp_timer_left(const struct imp_timer *timer);
/* Stops and frees it, also from within `fired`; the handle is invalid afterwards. NULL is harmless. */
IMP_API void imp_timer_free(struct imp_timer *timer);

#ifdef __cplusplus
}
#endif
#endif
