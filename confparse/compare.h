/*
 * compare: what changed between two generations.
 */
#ifndef IMPULSE_CONFPARSE_COMPARE_H
#define IMPULSE_CONFPARSE_COMPARE_H

#include "confparse/confparse.h"

/*
 * Calls `changed` for each option whose value in a scope differs between two generations (also when only one
 * of them has the scope or sets the option) and which may not change at reload: conf_option.dynamic is false,
 * of the option or of a stanza it stands in. Values that mean the same are the same, however they are
 * written. `was` or `is` is NULL when it is not set there; `scope` is the later generation's, or the earlier
 * one's when only that sets the option. In order of place: the main file first, then file by file. Returns
 * how many there were. Any thread.
 */
size_t conf_compare_static(const struct conf *before, const struct conf *after,
                           void (*changed)(const struct conf_option *option, const struct conf_scope *scope,
                                           const struct conf_value *was, const struct conf_value *is,
                                           void *argument),
                           void *argument);

/*
 * An order of scopes by what they set themselves: 0 when both set the same options to values that mean the
 * same, whatever their names and places are. Any thread.
 */
int conf_compare_settings(const struct conf_scope *a, const struct conf_scope *b);

#endif
