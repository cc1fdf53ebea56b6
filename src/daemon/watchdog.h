/*
 * watchdog: names what keeps an event loop from its other work.
 *
 * A turn of a loop that takes LOOP_LONG_MS or more is told to the paniclog when it ends, with its time, the CPU time
 * that it used, and what it did: the callback of a module, or a part of the daemon (loop_doing). A turn that does not end
 * is told while it lasts. At most one line a minute and loop.
 *
 * A thread looks at the loops 20 times a second, so that loops need not note when each part of a turn begins. It waits
 * in the kernel otherwise. A loop may have no turn because it has nothing to do: after a second it is sent a task, and
 * only if it does not run that for another second, the loop is stuck.
 */
#ifndef IMPULSE_DAEMON_WATCHDOG_H
#define IMPULSE_DAEMON_WATCHDOG_H

#include "event/loop.h"

/* Starts the thread and registers the metrics of the loops, which are borrowed until the process ends; the array is
 * copied. Returns false if the system refuses the thread. Main thread, once. */
bool watchdog_start(struct loop **loops, unsigned count);
/* Ends the thread. No line is written any more. Harmless if it was not started. Main thread. */
void watchdog_stop(void);

#endif
