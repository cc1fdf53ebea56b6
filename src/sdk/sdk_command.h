/*
 * sdk_command: what the console commands of modules need from the daemon.
 */
#ifndef IMPULSE_SDK_SDK_COMMAND_H
#define IMPULSE_SDK_SDK_COMMAND_H

#include "event/loop.h"

/* `find` is asked for the loops of an EventLoop (NULL: the default one), which imp_command_gather asks; on
 * any thread. Main thread, at the start; NULL: there are none any more. */
void sdk_command_set_loops(struct loop_group *(*find)(void *daemon, const char *name), void *daemon);

#endif
