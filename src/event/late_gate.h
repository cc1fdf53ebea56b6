/*
 * late_gate.h: posts the answers of modules' own threads to loops, and keeps those that come when the loops
 * are gone.
 *
 * At the end of the process such a thread may still answer a question that has long been given up. What it
 * answers then is kept where nobody looks: it cannot be freed, because its module must not be freed either.
 */
#ifndef IMPULSE_EVENT_LATE_GATE_H
#define IMPULSE_EVENT_LATE_GATE_H

#include <stdatomic.h>
#include <stdbool.h>
#include "event/loop.h"

struct late_gate { /* all zero: open */
    _Atomic bool closed;
    _Atomic unsigned posting; /* threads that are past the question */
    _Atomic(struct loop_task *) late;
};

/* loop_post, or nothing once the gate is closed. Any thread. */
void late_gate_post(struct late_gate *gate, struct loop *loop, struct loop_task *task);
/* Returns when no thread posts any more: then the loops may be stopped. */
void late_gate_close(struct late_gate *gate);

#endif
