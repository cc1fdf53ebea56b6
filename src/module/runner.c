/*
 * runner: see the header.
 */
#include "module/runner.h"

#include <stddef.h>

_Thread_local const struct runner *volatile runner_current;
