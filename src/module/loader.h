/*
 * loader.h: a shared object in, its checked definition out.
 */
#ifndef IMPULSE_MODULE_LOADER_H
#define IMPULSE_MODULE_LOADER_H

#include "impulse/module.h"
#include "module/manifest.h"

/*
 * Maps the manifest's shared object (RTLD_LOCAL, RTLD_NOW) and checks that its definition is one this daemon
 * can call and that it agrees with the manifest. It stays mapped for the life of the process; asking again
 * gives the same definition. NULL with one line in error[], which names the module. Main thread.
 */
const struct imp_module_definition *module_load(const struct manifest *manifest, char *error,
                                                size_t error_size);

#endif
