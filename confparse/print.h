/*
 * print: options and stanzas as a file would write them; what is printed can be loaded again and means the
 * same. Any thread.
 */
#ifndef IMPULSE_CONFPARSE_PRINT_H
#define IMPULSE_CONFPARSE_PRINT_H

#include "confparse/query.h"

enum { CONF_INDENT = 2 }; /* columns of a level */

void conf_print_indent(unsigned depth, FILE *out);
/* The name of an option, in Momentum's capitals. */
void conf_print_option(const char *option, FILE *out);
/* Kind and name of a scope: Listen ":25" */
void conf_print_heading(const char *kind, const char *name, FILE *out);
/* A value alone; of a list or dictionary each item is on a line, indented by depth + 1. No newline at its
 * end. */
void conf_print_value(const struct conf_value *value, unsigned depth, FILE *out);
/*
 * The options of a scope in order of the files. `conf` is the scope's generation.
 */
void conf_print_settings(const struct conf *conf, const struct conf_scope *scope, unsigned depth, FILE *out);

#endif
