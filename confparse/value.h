/*
 * value: turning what is written into a typed value.
 */
#ifndef IMPULSE_CONFPARSE_VALUE_H
#define IMPULSE_CONFPARSE_VALUE_H

#include "confparse/ast.h"
#include "confparse/memory.h"

/*
 * Makes `value` (its place excepted) of `ast` as an option of this type wants it; texts are copied into
 * `arena`. False when it is not such a value: problem[] then says "expected ..., not ...".
 */
bool conf_value_make(struct conf_arena *arena, const struct conf_option *option, const struct ast_value *ast,
                     struct conf_value *value, char *problem, size_t problem_size);
/* The same for an option nobody knows the type of: a string, a list or a dictionary, as it is written. */
void conf_value_copy(struct conf_arena *arena, const struct ast_value *ast, struct conf_value *value);

/* Is an item of a list, or the value of a pair of a dictionary, a list or dictionary itself? Its text is then
 * as a file would write it. */
bool conf_value_is_nested(const struct conf_value *value, size_t item);

#endif
