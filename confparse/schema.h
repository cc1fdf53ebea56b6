/*
 * schema: the table of what Momentum's language knows (options.def), and looking names up in it. Constant;
 * any thread.
 */
#ifndef IMPULSE_CONFPARSE_SCHEMA_H
#define IMPULSE_CONFPARSE_SCHEMA_H

#include "confparse/confparse.h"
#include "confparse/text.h"

/* The row of an option (not of a scope) or NULL. */
const struct conf_option *conf_schema_option(struct conf_text name);
/* The row of a scope or NULL. */
const struct conf_option *conf_schema_scope(struct conf_text name);
/* Position of a row of options.def. */
size_t conf_schema_index(const struct conf_option *row);
/* May the option or scope of this row stand in a scope of that kind? */
bool conf_schema_allows(const struct conf_option *row, const char *kind);
/* enabled and debug_level, which every module has: their row, or NULL. */
const struct conf_option *conf_schema_module_option(struct conf_text name);

/* The module of that name that Momentum documents, or NULL. */
const struct conf_documented *conf_schema_momentum_module(struct conf_text name);

/* Suggests an option that is valid in a scope of that kind (NULL: of any), or a stanza. */
void conf_schema_suggest_option(struct conf_suggestion *best, struct conf_text name, const char *kind);
void conf_schema_suggest_stanza(struct conf_suggestion *best, struct conf_text name, const char *kind);

/* Are names of this kind of scope compared with case? (Momentum 4 manual: binding, binding_group.) */
bool conf_schema_name_has_case(const char *kind, struct conf_text name);

#endif
