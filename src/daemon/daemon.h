/*
 * daemon.h: the parts of a running Impulse and the order in which they begin and end. Main thread.
 */
#ifndef IMPULSE_DAEMON_DAEMON_H
#define IMPULSE_DAEMON_DAEMON_H

#include "daemon/arguments.h"

/* Loads and checks the configuration, prints the findings on stderr. Exit status 0 or 1. */
int daemon_check(const struct arguments *arguments);

/* Starts everything, runs until SIGTERM or SIGINT, ends everything. Exit status. */
int daemon_run(const struct arguments *arguments);

#endif
