/*
 * name_index: the children of a scope by kind and name, for scopes with so many that a binary search would be
 * slow: each of its steps is a place in memory that nobody looked at lately. Built once; then any thread.
 */
#ifndef IMPULSE_CONFPARSE_NAME_INDEX_H
#define IMPULSE_CONFPARSE_NAME_INDEX_H

#include "confparse/scope.h"
#include "confparse/text.h"

enum { CONF_NAME_INDEX_FROM = 16 }; /* children, from which on it is worth having */

/* Makes scope->names of scope->sorted, in the arena. */
void conf_name_index_build(struct conf_arena *arena, struct conf_scope *scope);
/* The child of that kind and key (as in struct conf_scope; both as they are compared), or NULL. */
const struct conf_scope *conf_name_index_find(const struct conf_scope *scope, struct conf_text kind,
                                              struct conf_text key);

#endif
