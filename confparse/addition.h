/*
 * addition: options and stanzas that are added where a fragment ends.
 *
 * They are collected first, so that what belongs into the same stanza comes into one. One thread.
 */
#ifndef IMPULSE_CONFPARSE_ADDITION_H
#define IMPULSE_CONFPARSE_ADDITION_H

#include "confparse/edit.h"

struct conf_additions;

struct conf_additions *conf_additions_create(void);
void conf_additions_free(struct conf_additions *additions); /* NULL is harmless */

/*
 * Sets an option at the end of a fragment, in the stanza that `count` links lead to from there. Everything is
 * borrowed until conf_additions_write.
 */
void conf_addition_set(struct conf_additions *additions, const struct conf_fragment *fragment,
                       const struct conf_link *links, size_t count, const char *option, const char *value);
/* Makes edits of them. */
void conf_additions_write(const struct conf_additions *additions, struct conf_edits *edits);

#endif
