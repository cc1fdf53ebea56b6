/*
 * parameters: the dictionaries AuthPlainParameters, AuthLoginParameters, ... as they are set. Pure functions;
 * any thread.
 */
#ifndef IMPULSE_SASL_PARAMETERS_H
#define IMPULSE_SASL_PARAMETERS_H

#include <stdbool.h>
#include "confparse/confparse.h"

/* The value of `key`, case-insensitive, or NULL. */
const char *parameters_find(const struct conf_value *dictionary, const char *key);
/* The path of scheme:///path, or NULL when `uri` (may be NULL) is no such. */
const char *parameters_path(const char *uri, const char *scheme);
/* Is it one of the spellings of true (conf_parse_bool)? NULL is false. */
bool parameters_is_true(const char *text);

#endif
