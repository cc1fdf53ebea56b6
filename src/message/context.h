/*
 * context: strings under names, kept in order of first setting. At most CONTEXT_LIMIT bytes in all.
 * Stored as "name NUL value NUL ..." in one buffer: sessions with an empty context cost nothing.
 */
#ifndef IMPULSE_MESSAGE_CONTEXT_H
#define IMPULSE_MESSAGE_CONTEXT_H

#include <stdbool.h>
#include "base/buf.h"

enum { CONTEXT_LIMIT = 64 * 1024 };

struct context {
    struct buf pairs; /* name NUL value NUL ... */
};

/* Copies; value NULL removes. False when the name is empty or the limit would be passed. */
bool context_set(struct context *context, const char *name, const char *value);
const char *context_get(const struct context *context, const char *name); /* NULL when not set */
void context_clear(struct context *context);                              /* keeps nothing */
/* All pairs in stored form; for envelopes. */
struct slice context_pairs(const struct context *context);
/* "name=value,name=value" with values that hold a space, a comma or a quote put in quotes (rejectlog). */
void context_format(struct slice pairs, struct buf *out);

#endif
