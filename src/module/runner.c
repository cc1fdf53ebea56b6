/*
 * runner: see the header.
 */
#include "module/runner.h"

#include <stddef.h>
#include "module/set.h"

_Thread_local const struct runner *volatile runner_current;

void runner_release(const void *instance, void (*release)(void *data), void *data)
{
    const struct imp_module *module = instance;
    struct runner runner = {module->label, "the release function of what it attached", ""};
    const struct runner *outer = runner_enter(&runner);
    release(data);
    runner_leave(outer);
}
