/*
 * manifests.h: what modules may be loaded, known before a configuration is read. For the daemon and for
 * tools, which read configurations as the daemon does.
 */
#ifndef IMPULSE_MODULE_MANIFESTS_H
#define IMPULSE_MODULE_MANIFESTS_H

#include "confparse/confparse.h"

/*
 * Where modules and their manifests are, unless the command line (--modules) says it: the environment's
 * IMPULSE_MODULE_PATH, else modules/built beside the program (a build tree), else where `make install` puts
 * modules. Valid until the next call; one thread.
 */
const char *manifest_directory(void);

/*
 * Is it a word of the configuration language, so that a module of that name would hide what the core has: one of
 * its stanzas or options, or "global" or "include"? Case-insensitive. Any thread.
 */
bool manifest_is_core_word(const char *name);

struct manifest_set;
/* Reads every *.ecm in `directory`. NULL with one line in error[] when a manifest cannot be read or is wrong.
 */
struct manifest_set *manifest_set_read(const char *directory, char *error, size_t error_size);
/* For conf_load_options; valid as long as the set. */
const struct conf_module_schema *manifest_set_schemas(const struct manifest_set *set, size_t *count);
/*
 * What modules may register when they are set up, as their manifests say it (provides = KIND.NAME): the names
 * of that kind, such as "delivery_method", in lower case, in turn. NULL at the end. Valid as long as the set.
 */
const char *manifest_set_announced(const struct manifest_set *set, const char *kind, size_t index);
/* The modules whose stanzas hold Listens (provides = listener), in turn; NULL at the end. Valid as long as
 * the set. */
const char *manifest_set_listener(const struct manifest_set *set, size_t index);
void manifest_set_free(struct manifest_set *set); /* NULL is harmless */

#endif
