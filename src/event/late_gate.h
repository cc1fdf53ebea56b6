/*
 * late_gate: posts the answers of modules' own threads to loops, until the loops are stopped.
 *
 * At the end of the process such a thread may still answer a question that was given up long before. That answer
 * goes into a list that nobody reads: it cannot be freed, because its module must not be freed either.
 */
#ifndef IMPULSE_EVENT_LATE_GATE_H
#define IMPULSE_EVENT_LATE_GATE_H

#include <stdatomic.h>
#include <stdbool.h>
#include "event/loop.h"

struct late_gate { /* all zero: open */
    _Atomic bool closed;
    _Atomic unsigned posting;         /* threads within late_gate_post */
    _Atomic(struct loop_task *) late; /* what came after late_gate_close; never run */
};

/* Calls loop_post; once the gate is closed, keeps the task and does not run it. Any thread. */
void late_gate_post(struct late_gate *gate, struct loop *loop, struct loop_task *task);
/* Returns when no thread is posting any more. Then the loops may be stopped. */
void late_gate_close(struct late_gate *gate);

#endif
