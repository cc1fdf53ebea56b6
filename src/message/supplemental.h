/*
 * supplemental.h: the supplemental trace header, which names the recipient of a copy so that a feedback
 * report can be matched to it. Its form is KumoMTA's (trace_headers), so that what reads those reads these.
 * Any thread.
 */
#ifndef IMPULSE_MESSAGE_SUPPLEMENTAL_H
#define IMPULSE_MESSAGE_SUPPLEMENTAL_H

#include "base/buf.h"

struct supplemental_rules {
    char *name;   /* of the field, checked by header_is_name; owned */
    char **metas; /* names in the message context whose values go along; owned */
    size_t meta_count;
};

/*
 * Appends one folded field, CR LF included: the base64 of a JSON object with the marker "_@_", the recipient,
 * and those of `context` (name NUL value NUL ...) that the rules name. Text that is not UTF-8 is left out.
 */
void supplemental_append(const struct supplemental_rules *rules, struct slice recipient, struct slice context,
                         struct buf *out);

void supplemental_free(struct supplemental_rules *rules); /* NULL is harmless */

#endif
