/*
 * documented: looking up what stands in the stanza of a module that Momentum's manual describes. Constant;
 * any thread.
 *
 * A stanza in a module's stanza has a path: the kinds of the stanzas from below the module's own down to it,
 * "scheme/authenticate"; the module's own is "".
 */
#ifndef IMPULSE_CONFPARSE_DOCUMENTED_H
#define IMPULSE_CONFPARSE_DOCUMENTED_H

#include "confparse/confparse.h"
#include "confparse/text.h"

/* The row of an option that stands at `path`, or NULL. */
const struct conf_option *conf_documented_option(const struct conf_documented *module, const char *path,
                                                 struct conf_text name);
/* The row of a stanza that stands at `path`, or NULL. */
const struct conf_option *conf_documented_stanza(const struct conf_documented *module, const char *path,
                                                 struct conf_text kind);
/* The option (`stanza` false) or the stanza at `path` whose name is nearest to `name`, or NULL. */
const char *conf_documented_nearest(const struct conf_documented *module, const char *path, bool stanza,
                                    struct conf_text name);
/* Is `text` one of the values of an UNSUPPORTED row that ask for nothing dangerous? */
bool conf_documented_harmless(const struct conf_option *row, const char *text);

#endif
