/*
 * build: from the syntax tree to the scopes of a generation. What is wrong goes to the loader's report; the
 * generation is only good when that holds no error.
 */
#ifndef IMPULSE_CONFPARSE_BUILD_H
#define IMPULSE_CONFPARSE_BUILD_H

#include "confparse/loader.h"

/* Checks the tree under `root` against the schema and the modules' manifests and fills `conf`, which is
 * empty. */
void conf_build(struct conf_loader *loader, const struct ast_stanza *root, struct conf *conf);

#endif
