/* Modules' loops: functions posted to them, timers, jobs, and the end of an instance and of the process. */
#include "sdk_harness.h"

#include <errno.h>
#include <impulse/loop.h>
#include <impulse/timer.h>
#include <string.h>

/* ---- posts ----------------------------------------------------------------------------------- */

struct order {
    struct imp_loop *loop;
    int next, wrong;
    struct unit_counter ran;
};

struct numbered {
    struct order *order;
    int number;
};

static void take_number(void *closure)
{
    struct numbered *numbered = closure;
    struct order *order = numbered->order;
    order->wrong += numbered->number != order->next++ || imp_loop_current() != order->loop;
    unit_count(&order->ran, 1);
}

static void test_post(void)
{
    struct sdk_house house;
    struct numbered posts[100];
    sdk_house_open(&house);
    CU_ASSERT_EQUAL(imp_loop_count(), SDK_LOOPS + 1);
    CU_ASSERT_PTR_NULL(imp_loop_at(SDK_LOOPS + 1));
    CU_ASSERT_PTR_EQUAL(imp_loop_current(), imp_loop_main());
    for (unsigned i = 0; i <= SDK_LOOPS; i++) {
        struct order order = {.loop = imp_loop_at(i), .ran = UNIT_COUNTER};
        CU_ASSERT_EQUAL(imp_loop_index(order.loop), i);
        for (int j = 0; j < 100; j++) {
            posts[j] = (struct numbered){&order, j};
            CU_ASSERT_EQUAL(imp_loop_post(order.loop, house.module, take_number, &posts[j]), 0);
        }
        CU_ASSERT(i > 0 || order.next == 0); /* not within the call */
        CU_ASSERT(sdk_house_run(&house, &order.ran, 100));
        CU_ASSERT_EQUAL(order.wrong, 0);
    }
    sdk_house_close(&house);
    CU_ASSERT_PTR_NULL(imp_loop_main());
}

struct held {
    struct sdk_house *house;
    struct unit_counter entered, opened;
    int torn_down;
};

static void hold(void *closure)
{
    struct held *held = closure;
    unit_count(&held->entered, 1);
    unit_wait(&held->opened, 1, 30);
    held->torn_down = held->house->torn_down;
}

/* A function that was posted keeps its instance. */
static void test_post_keeps_instance(void)
{
    struct sdk_house house;
    struct held held = {&house, UNIT_COUNTER, UNIT_COUNTER, 0};
    sdk_house_open(&house);
    CU_ASSERT_EQUAL(imp_loop_post(imp_loop_at(1), house.module, hold, &held), 0);
    unit_wait(&held.entered, 1, 10);
    module_set_unref(house.set);
    module_set_tick(NULL);
    CU_ASSERT_EQUAL(house.torn_down, 0);
    house.set = NULL;
    unit_count(&held.opened, 1);
    sdk_house_close(&house);
    CU_ASSERT_EQUAL(held.torn_down, 0);
}

/* ---- timers ---------------------------------------------------------------------------------- */

struct ticking {
    struct sdk_house *house;
    struct imp_timer *once, *often;
    struct unit_counter once_fired, often_fired;
    bool once_ran, often_ran, freed;
};

static void fire_once(struct imp_timer *timer, void *closure)
{
    struct ticking *ticking = closure;
    ticking->once_ran = imp_timer_is_running(timer);
    imp_timer_free(timer);
    imp_timer_free(timer);
    unit_count(&ticking->once_fired, 1);
}

static void fire_often(struct imp_timer *timer, void *closure)
{
    struct ticking *ticking = closure;
    ticking->often_ran = imp_timer_is_running(timer);
    if (unit_wait(&ticking->often_fired, 0, 0) == 2) {
        imp_timer_stop(timer);
        CU_ASSERT_EQUAL(imp_timer_left(timer), 0);
    }
    unit_count(&ticking->often_fired, 1);
}

static void start_timers(void *closure)
{
    struct ticking *ticking = closure;
    ticking->once = imp_timer_create(ticking->house->module, fire_once, ticking);
    ticking->often = imp_timer_create(ticking->house->module, fire_often, ticking);
    CU_ASSERT_FALSE(imp_timer_is_running(ticking->once));
    imp_timer_start(ticking->once, 30, 0);
    imp_timer_start(ticking->often, 1, 5);
    CU_ASSERT(imp_timer_left(ticking->once) > 0 && imp_timer_left(ticking->once) <= 30);
}

static void start_again(void *closure)
{
    struct ticking *ticking = closure;
    imp_timer_start(ticking->often, 0, 0);
}

static void test_timers(void)
{
    struct sdk_house house;
    sdk_house_open(&house);
    for (unsigned i = 0; i < 2; i++) {
        struct ticking ticking = {.house = &house, .once_fired = UNIT_COUNTER, .often_fired = UNIT_COUNTER};
        if (i == 0)
            start_timers(&ticking); /* on the main thread */
        else
            sdk_house_on(&house, imp_loop_at(i), start_timers, &ticking);
        CU_ASSERT(sdk_house_run(&house, &ticking.once_fired, 1));
        CU_ASSERT(sdk_house_run(&house, &ticking.often_fired, 3));
        CU_ASSERT_FALSE(ticking.once_ran);
        CU_ASSERT(ticking.often_ran);
        if (i == 0)
            start_again(&ticking);
        else
            sdk_house_on(&house, imp_loop_at(i), start_again, &ticking);
        CU_ASSERT(sdk_house_run(&house, &ticking.often_fired, 4));
    }
    imp_timer_start(NULL, 0, 0);
    imp_timer_stop(NULL);
    imp_timer_free(NULL);
    sdk_house_close(&house); /* with two timers that are there still */
}

static void count_fired(struct imp_timer *timer, void *closure)
{
    struct ticking *ticking = closure;
    (void)timer;
    CU_ASSERT_EQUAL(ticking->house->torn_down, 0);
    unit_count(&ticking->often_fired, 1);
}

static void start_counting(void *closure)
{
    struct ticking *ticking = closure;
    imp_timer_start(imp_timer_create(ticking->house->module, count_fired, ticking), 0, 1);
}

static void create_after_end(void *closure)
{
    struct ticking *ticking = closure;
    ticking->freed = imp_timer_create(ticking->house->module, count_fired, ticking) == NULL;
}

/* Timers do not keep their instance, which is torn down when they are closed. */
static void test_timers_end_with_instance(void)
{
    struct sdk_house house;
    struct ticking ticking = {.house = &house, .often_fired = UNIT_COUNTER};
    sdk_house_open(&house);
    start_counting(&ticking);
    for (unsigned i = 1; i <= SDK_LOOPS; i++)
        sdk_house_on(&house, imp_loop_at(i), start_counting, &ticking);
    CU_ASSERT(sdk_house_run(&house, &ticking.often_fired, 20));
    struct held held = {&house, UNIT_COUNTER, UNIT_COUNTER, 0};
    imp_loop_post(imp_loop_at(1), house.module, hold, &held); /* the last reference */
    unit_wait(&held.entered, 1, 10);
    struct module_set *set = module_set_ref(house.set);
    module_set_unref(house.set);
    unit_count(&held.opened, 1);
    house.set = set;
    sdk_house_end_module(&house);
    CU_ASSERT_EQUAL(house.torn_down, 1);
    int fired = unit_wait(&ticking.often_fired, 0, 0);
    for (int i = 0; i < 20; i++)
        uv_run(loop_uv(loop_group_at(house.main, 0)), UV_RUN_NOWAIT);
    CU_ASSERT_EQUAL(unit_wait(&ticking.often_fired, 0, 0), fired);
    sdk_house_close(&house);
}

/* What an instance would open while it ends is refused. */
static void test_nothing_is_opened_at_the_end(void)
{
    struct sdk_house house;
    struct ticking ticking = {.house = &house, .often_fired = UNIT_COUNTER};
    struct held held = {&house, UNIT_COUNTER, UNIT_COUNTER, 0};
    sdk_house_open(&house);
    start_counting(&ticking);
    imp_loop_post(imp_loop_at(1), house.module, hold, &held);
    unit_wait(&held.entered, 1, 10);
    CU_ASSERT(module_set_keep_open(house.set));
    atomic_store(&house.set->ending, true); /* as when the last reference but the loop's was given up */
    create_after_end(&ticking);
    CU_ASSERT(ticking.freed);
    atomic_store(&house.set->ending, false);
    unit_count(&held.opened, 1);
    sdk_house_close(&house);
}

/* ---- jobs ------------------------------------------------------------------------------------ */

struct job {
    struct sdk_house *house;
    struct unit_counter entered, opened, done;
    struct imp_loop *done_on;
    enum imp_job_result result;
    bool worked, cancelled;
    struct imp_work *work;
    const char *pool;
    unsigned flags;
    int started, error;
};

#define JOB(...)                                                                                             \
    {                                                                                                        \
        .house = &house, .entered = UNIT_COUNTER, .opened = UNIT_COUNTER, .done = UNIT_COUNTER, __VA_ARGS__  \
    }

static void job_work(void *closure)
{
    struct job *job = closure;
    CU_ASSERT_PTR_NULL(imp_loop_current());
    unit_count(&job->entered, 1);
    unit_wait(&job->opened, 1, 30);
    job->worked = true;
    job->cancelled = imp_job_is_cancelled();
}

static void job_done(enum imp_job_result result, void *closure)
{
    struct job *job = closure;
    job->result = result;
    job->done_on = imp_loop_current();
    unit_count(&job->done, 1);
}

static void start_job(void *closure)
{
    struct job *job = closure;
    struct imp_job how = {sizeof how, job->pool, job_work, job_done, NULL, job, job->flags};
    job->started = imp_job_start(job->house->module, &how, &job->work);
    job->error = errno;
}

static void cancel_job(void *closure)
{
    imp_job_cancel(((struct job *)closure)->work);
}

static void test_jobs(void)
{
    struct sdk_house house;
    sdk_house_open(&house);
    struct job here = JOB(0), there = JOB(0), none = JOB(.pool = "no such pool"),
               close = JOB(.pool = "Close");
    start_job(&here);
    sdk_house_on(&house, imp_loop_at(2), start_job, &there);
    sdk_house_on(&house, imp_loop_at(2), start_job, &close); /* it has no threads */
    unit_count(&here.opened, 1);
    unit_count(&there.opened, 1);
    unit_count(&close.opened, 1);
    CU_ASSERT(sdk_house_run(&house, &here.done, 1));
    CU_ASSERT(sdk_house_run(&house, &there.done, 1));
    CU_ASSERT(sdk_house_run(&house, &close.done, 1));
    CU_ASSERT(here.worked && there.worked && close.worked && here.result == IMP_JOB_DONE);
    CU_ASSERT(here.done_on == imp_loop_main() && there.done_on == imp_loop_at(2));
    start_job(&none);
    CU_ASSERT(none.started == -1 && none.error == ENOENT && !none.work);
    CU_ASSERT_FALSE(imp_job_is_cancelled());
    sdk_house_close(&house);
}

static void test_job_bounds(void)
{
    struct sdk_house house;
    sdk_house_open(&house);
    pool_set_define(house.pools, &(struct pool_settings){.name = "narrow", .concurrency = 1, .backlog = 1});
    struct job running = JOB(.pool = "narrow"), waiting = JOB(.pool = "narrow"),
               refused = JOB(.pool = "narrow"), patient = JOB(.pool = "narrow", .flags = IMP_JOB_WAIT);
    struct job *all[] = {&running, &waiting, &refused, &patient};
    for (int i = 0; i < 4; i++)
        sdk_house_on(&house, imp_loop_at(1), start_job, all[i]);
    CU_ASSERT(running.started == 0 && waiting.started == 0 && patient.started == 0);
    CU_ASSERT(refused.started == -1 && refused.error == EAGAIN);
    unit_wait(&running.entered, 1, 10);
    sdk_house_on(&house, imp_loop_at(1), cancel_job, &waiting);
    sdk_house_on(&house, imp_loop_at(1), cancel_job, &running);
    CU_ASSERT_EQUAL(unit_wait(&waiting.done, 1, 10), 1);
    CU_ASSERT(waiting.result == IMP_JOB_CANCELLED && !waiting.worked);
    for (int i = 0; i < 4; i++)
        unit_count(&all[i]->opened, 1);
    CU_ASSERT_EQUAL(unit_wait(&running.done, 1, 10), 1);
    CU_ASSERT(running.result == IMP_JOB_DONE && running.worked && running.cancelled);
    CU_ASSERT_EQUAL(unit_wait(&patient.done, 1, 10), 1);
    CU_ASSERT(patient.worked && !patient.cancelled);
    sdk_house_close(&house);
}

/* The end of the process waits for jobs, and their ends are heard; then nothing is taken any more. */
static void test_end_of_process(void)
{
    struct sdk_house house;
    sdk_house_open(&house);
    struct job here = JOB(0), there = JOB(0), late = JOB(0);
    start_job(&here);
    sdk_house_on(&house, imp_loop_at(1), start_job, &there);
    unit_count(&here.opened, 1);
    unit_count(&there.opened, 1);
    sdk_loops_close_jobs();
    start_job(&late);
    CU_ASSERT(late.started == -1 && late.error == ESHUTDOWN);
    pool_set_wait(house.pools);
    sdk_loops_close();
    CU_ASSERT_EQUAL(imp_loop_post(imp_loop_at(1), house.module, cancel_job, NULL), -1);
    CU_ASSERT_PTR_NULL(imp_timer_create(house.module, count_fired, NULL));
    sdk_house_close(&house);
    CU_ASSERT(unit_wait(&here.done, 1, 0) == 1 && unit_wait(&there.done, 1, 0) == 1);
}

/* The start fails after setup: the loops never run. */
static void test_loops_that_never_ran(void)
{
    struct sdk_house house;
    struct ticking ticking = {.house = &house, .often_fired = UNIT_COUNTER};
    sdk_house_prepare(&house);
    for (unsigned i = 0; i <= SDK_LOOPS; i++)
        CU_ASSERT_EQUAL(imp_loop_post(imp_loop_at(i), house.module, start_counting, &ticking), 0);
    start_counting(&ticking);
    sdk_house_close(&house); /* which tears the instance down */
}

int main(void)
{
    CU_TestInfo tests[] = {
        {"posts", test_post},
        {"a post keeps its instance", test_post_keeps_instance},
        {"timers", test_timers},
        {"timers end with their instance", test_timers_end_with_instance},
        {"nothing is opened at the end", test_nothing_is_opened_at_the_end},
        {"jobs", test_jobs},
        {"bounds of jobs", test_job_bounds},
        {"the end of the process", test_end_of_process},
        {"loops that never ran", test_loops_that_never_ran},
        CU_TEST_INFO_NULL,
    };
    return unit_run("sdk_loop", tests);
}
