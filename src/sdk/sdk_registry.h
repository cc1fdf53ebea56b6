/*
 * sdk_registry: rows that a module adds, in the registries of its set.
 */
#ifndef IMPULSE_SDK_SDK_REGISTRY_H
#define IMPULSE_SDK_SDK_REGISTRY_H

#include "module/set.h"

/*
 * Adds a row to a registry of the module's set; the row is the registry's from then on. -1 with the reason in
 * imp_module_error when this is not setup or the name is taken; `what` is not taken then. `form` says of the
 * first row what the registry is: kind, below, release. `row` is copied: its owner is the module, and a row
 * without help has the module's description. Main thread.
 */
int sdk_register(struct imp_module *module, enum module_registry which, const struct registry *form,
                 const struct registry_row *row);

/*
 * The name of the pool that a row is to run on: `name`, or "IO" for NULL. NULL with the reason in imp_module_error
 * when there is no such ThreadPool. `asking` is the function that the module called. Main thread.
 */
const char *sdk_pool_name(struct imp_module *module, const char *name, const char *asking);

/* Is there text? For members that are required. */
static inline bool sdk_has_text(const char *text)
{
    return text && *text;
}

#endif
