/*
 * sdk_route: the HTTP routes that modules have registered.
 */
#ifndef IMPULSE_SDK_SDK_ROUTE_H
#define IMPULSE_SDK_SDK_ROUTE_H

#include <stdio.h>
#include "module/module.h"

/* One line a route: method, path, owner, help. */
void sdk_route_print(const struct module_set *set, FILE *out);

#endif
