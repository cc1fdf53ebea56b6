/*
 * sdk_harness: loops, pools and one instance of a module, as the daemon has them; the test's thread is the
 * main one.
 */
#ifndef IMPULSE_TESTS_SDK_HARNESS_H
#define IMPULSE_TESTS_SDK_HARNESS_H

#include "event/pool.h"
#include "module/set.h"
#include "sdk/sdk_loop.h"
#include "unit.h"

enum { SDK_LOOPS = 2 }; /* event loops: imp_loop_at(1) and (2) */

struct sdk_house {
    struct loop_group *main, *group;
    struct pool_set *pools;
    struct resolvers *resolvers; /* NULL, or freed with the house */
    struct module_set *set;
    struct imp_module *module;
    int torn_down; /* written on the main thread */
};

/* Opens it; the loops do not run yet, and never will. */
void sdk_house_prepare(struct sdk_house *house);
/* Opens it; the loops run. */
void sdk_house_open(struct sdk_house *house);
/* Gives up the test's reference to the module set, and runs the main loop until the instance is torn down. */
void sdk_house_end_module(struct sdk_house *house);
/* Turns of the main loop until the counter has the value, for at most ten seconds. */
bool sdk_house_run(struct sdk_house *house, struct unit_counter *counter, int value);
/* The end of the process, as the daemon does it. */
void sdk_house_close(struct sdk_house *house);
/* Runs `run(closure)` on a loop and waits until it has returned. */
void sdk_house_on(struct sdk_house *house, struct imp_loop *loop, void (*run)(void *closure), void *closure);

#endif
