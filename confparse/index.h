/* index: what the children of a scope are looked up by, besides their names. */
#ifndef IMPULSE_CONFPARSE_INDEX_H
#define IMPULSE_CONFPARSE_INDEX_H

#include "confparse/builder.h"

/* Compiles the name of a Domain or Host that is a regular expression; `span` is where it stands. */
void conf_build_pattern(struct conf_builder *builder, struct conf_scope *scope, struct conf_span span);
/* Indexes the Peer and Domain stanzas among the finished children of `scope`. */
void conf_build_index(struct conf *conf, struct conf_scope *scope);
/* Indexes what stands in binding groups and pathway groups. */
void conf_build_groups(struct conf *conf);

#endif
