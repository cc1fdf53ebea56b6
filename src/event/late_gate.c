/* late_gate: see late_gate.h. */
#include "event/late_gate.h"

#include <sched.h>

void late_gate_post(struct late_gate *gate, struct loop *loop, struct loop_task *task)
{
    atomic_fetch_add(&gate->posting, 1);
    if (!atomic_load(&gate->closed))
        loop_post(loop, task);
    else
        task->next = atomic_exchange(&gate->late, task);
    atomic_fetch_sub(&gate->posting, 1);
}

void late_gate_close(struct late_gate *gate)
{
    atomic_store(&gate->closed, true);
    while (atomic_load(&gate->posting) > 0)
        sched_yield();
}
