/*
 * edit: changes of texts that leave comments and layout around them as they are.
 *
 * Edits are collected against the texts of one outline and then made all at once. A value is given as
 * conf_print_value writes it at depth 0, where a line end stands only between items. One thread.
 */
#ifndef IMPULSE_CONFPARSE_EDIT_H
#define IMPULSE_CONFPARSE_EDIT_H

#include "confparse/outline.h"

struct conf_edits;

struct conf_edits *conf_edits_create(void);
void conf_edits_free(struct conf_edits *edits); /* NULL is harmless */

/* Another text, which is copied, for the bytes from `begin` to before `end` of a source. */
void conf_edit_text(struct conf_edits *edits, const struct conf_source *source, size_t begin, size_t end,
                    struct conf_text text);
/* Another value where one stands. */
void conf_edit_value(struct conf_edits *edits, const struct ast_assignment *assignment, const char *value);
/* Takes an assignment out, with its line when nothing else stands there. */
void conf_edit_remove(struct conf_edits *edits, const struct ast_assignment *assignment);

/* A copy of `files` with the edits made; one reference. */
struct conf_files *conf_edits_apply(struct conf_edits *edits, const struct conf_files *files);

/* ---- layout -------------------------------------------------------------------------------------------- */

/* The offset at which the line of `offset` begins. */
size_t conf_line_begin(const struct conf_source *source, size_t offset);
/* The blanks before `offset` in its line; false: something else stands there, too. */
bool conf_line_indent(const struct conf_source *source, size_t offset, struct conf_text *blanks);
/* The blanks at the beginning of the line of `offset`. */
struct conf_text conf_line_blanks(const struct conf_source *source, size_t offset);
/* How lines of this file end. */
const char *conf_line_end(const struct conf_source *source);
/* Writes a value with `newline` and `indent` where a line ends in it. */
void conf_write_value(const char *value, const char *newline, struct conf_text indent, FILE *out);

#endif
