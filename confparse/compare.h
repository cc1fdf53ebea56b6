/*
 * compare: what changed between two generations.
 */
#ifndef IMPULSE_CONFPARSE_COMPARE_H
#define IMPULSE_CONFPARSE_COMPARE_H

#include "confparse/confparse.h"

/*
 * Calls `changed` for each option whose value in a scope differs between two generations (also when only one
 * of them has the scope or sets the option) and which may not change at reload (conf_option.dynamic is
 * false), in order of the next one's files. `before` or `after` is NULL when it is not set there. Returns how
 * many there were. Any thread.
 */
size_t conf_compare_static(const struct conf *before, const struct conf *after,
                           void (*changed)(const struct conf_option *option, const struct conf_scope *scope,
                                           const struct conf_value *was, const struct conf_value *is,
                                           void *argument),
                           void *argument);

#endif
