/*
 * ctl_gather: a question that every loop of a group answers for what it owns, such as its queues.
 *
 * Each loop runs `step` on its own thread, a slice of the work in each turn, until it has no more. What the
 * loops write is sent in the order of the loops. A loop whose turn has not come stops when CTL_CALL_MUCH
 * bytes of it wait; the one whose turn it is goes no faster than the client reads. So an answer of any length
 * needs little memory.
 */
#ifndef IMPULSE_CONTROL_CTL_GATHER_H
#define IMPULSE_CONTROL_CTL_GATHER_H

#include "base/buf.h"
#include "control/ctl_call.h"
#include "event/loop.h"

struct ctl_part { /* one loop's part; everything in it is for its step alone */
    struct loop *loop;
    void *closure;   /* of ctl_gather */
    void *place;     /* the step's own: where the next slice begins; NULL at first */
    struct buf text; /* what the step has to say; taken after each slice */
    bool gone;       /* nobody listens any more: clean up and return false */
};

/* Does a slice of the work, a millisecond at most. True: there is more. On the thread of part->loop. */
typedef bool ctl_step_fn(struct ctl_part *part);

/*
 * Answers `call` by it and finishes it. `end` (may be NULL) is called once before that, when all loops have
 * finished, on any thread: it may write the last lines, and frees `closure`. Any thread; the loops must be
 * running.
 */
void ctl_gather(struct ctl_call *call, struct loop_group *group, ctl_step_fn *step,
                void (*end)(struct ctl_call *call, void *closure), void *closure);
/* Returns whether any ctl_gather has not finished. Any thread. */
bool ctl_gathers_are_open(void);

#endif
