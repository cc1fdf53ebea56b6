/* defaults: the values of the defaults in options.def and in the modules' manifests. */
#ifndef IMPULSE_CONFPARSE_DEFAULTS_H
#define IMPULSE_CONFPARSE_DEFAULTS_H

#include "confparse/builder.h"

/* Fills the defaults of options.def and copies the modules of the load with theirs. */
void conf_build_defaults(struct conf_builder *builder);

#endif
