/*
 * sdk_harness: see sdk_harness.h.
 */
#include "sdk_harness.h"

#include "base/mem.h"
#include "sdk/sdk_dns.h"

static struct sdk_house *house_of_test;

static int no_setup(struct imp_module *module, const struct imp_config *config)
{
    (void)module, (void)config;
    return 0;
}

static void torn_down(struct imp_module *module)
{
    (void)module;
    house_of_test->torn_down++;
}

static const struct imp_module_definition definition = {
    .name = "guest", .kind = IMP_SINGLETON, .setup = no_setup, .teardown = torn_down};

void sdk_house_prepare(struct sdk_house *house)
{
    *house = (struct sdk_house){.main = loop_group_create("main", 1),
                                .group = loop_group_create("loop", SDK_LOOPS)};
    struct loop *loops[] = {loop_group_at(house->main, 0), loop_group_at(house->group, 0),
                            loop_group_at(house->group, 1)};
    house_of_test = house;
    loop_adopt(loops[0]);
    house->pools = pool_set_create();
    sdk_loops_create(loops, SDK_LOOPS + 1);
    house->set = module_set_create(house->pools);
    house->module = module_set_add(house->set, &definition, "");
}

void sdk_house_open(struct sdk_house *house)
{
    sdk_house_prepare(house);
    sdk_loops_start();
    CU_ASSERT_EQUAL_FATAL(loop_group_start(house->group), 0);
}

static void turn(struct sdk_house *house)
{
    uv_run(loop_uv(loop_group_at(house->main, 0)), UV_RUN_NOWAIT); /* nothing, when no handle is open */
    loop_run_posted(loop_group_at(house->main, 0));
    module_set_tick(NULL);
    usleep(500); /* the other threads' turn */
}

void sdk_house_end_module(struct sdk_house *house)
{
    module_set_unref(house->set);
    for (int i = 0; i < 20000 && !house->torn_down; i++)
        turn(house);
    house->set = NULL;
}

bool sdk_house_run(struct sdk_house *house, struct unit_counter *counter, int value)
{
    for (int i = 0; i < 20000 && unit_wait(counter, value, 0) < value; i++)
        turn(house);
    return unit_wait(counter, value, 0) >= value;
}

void sdk_house_close(struct sdk_house *house)
{
    sdk_loops_close_jobs();
    pool_set_wait(house->pools);
    sdk_loops_close();
    loop_group_stop(house->group);
    sdk_loops_stop();
    resolvers_free(house->resolvers);
    pool_set_free(house->pools);
    loop_group_free(house->group);
    sdk_loops_finish();
    module_set_unref(house->set);
    module_set_tick(NULL);
    CU_ASSERT_EQUAL(house->torn_down, 1);
    sdk_loops_free();
    sdk_dns_set_resolvers(NULL);
    loop_group_free(house->main);
}

struct errand {
    void (*run)(void *closure);
    void *closure;
    struct unit_counter done;
};

static void run_errand(void *closure)
{
    struct errand *errand = closure;
    errand->run(errand->closure);
    unit_count(&errand->done, 1);
}

void sdk_house_on(struct sdk_house *house, struct imp_loop *loop, void (*run)(void *closure), void *closure)
{
    struct errand errand = {run, closure, UNIT_COUNTER};
    CU_ASSERT_EQUAL_FATAL(imp_loop_post(loop, house->module, run_errand, &errand), 0);
    CU_ASSERT_EQUAL_FATAL(unit_wait(&errand.done, 1, 30), 1);
}
