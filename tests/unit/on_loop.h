/*
 * on_loop: running a function of a test on the thread of a loop.
 */
#ifndef IMPULSE_TESTS_ON_LOOP_H
#define IMPULSE_TESTS_ON_LOOP_H

#include "base/list.h"
#include "event/loop.h"
#include "unit.h"

struct errand {
    struct loop_task task;
    void (*run)(void *argument);
    void *argument;
    struct unit_counter done;
};

static inline void run_errand(struct loop_task *task)
{
    struct errand *errand = container_of(task, struct errand, task);
    errand->run(errand->argument);
    unit_count(&errand->done, 1);
}

/* Runs it on the first loop of the group, and waits until it has returned. */
static inline void on_loop_of(struct loop_group *group, void (*run)(void *), void *argument)
{
    struct errand errand = {{.run = run_errand}, run, argument, UNIT_COUNTER};
    loop_post(loop_group_at(group, 0), &errand.task);
    CU_ASSERT_EQUAL_FATAL(unit_wait(&errand.done, 1, 30), 1);
}

#endif
