/* entry: the options of one scope, out of its stanzas. */
#ifndef IMPULSE_CONFPARSE_ENTRY_H
#define IMPULSE_CONFPARSE_ENTRY_H

#include "confparse/builder.h"

/* The options of a scope, from all of its stanzas; of an option that is set twice the last. */
void conf_build_entries(struct conf_builder *builder, struct conf_scope *scope,
                        const struct conf_member *members, size_t count);

#endif
