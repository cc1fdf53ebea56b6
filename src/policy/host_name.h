/*
 * host_name.h: what this host is called, wherever no option says otherwise.
 */
#ifndef IMPULSE_POLICY_HOST_NAME_H
#define IMPULSE_POLICY_HOST_NAME_H

#include "confparse/confparse.h"

/* Returns the option `hostname`, else the system's name (hostname_or_system): valid as long as `conf`. Any
 * thread. */
const char *policy_host_name(const struct conf *conf);

#endif
