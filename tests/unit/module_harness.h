/*
 * module_harness: loads the modules of the build tree for a configuration text, as the daemon does.
 */
#ifndef IMPULSE_TESTS_MODULE_HARNESS_H
#define IMPULSE_TESTS_MODULE_HARNESS_H

#include "module/module.h"

struct modules {
    struct manifest_set *manifests;
    struct conf *conf;
    struct module_set *set;
    char error[512];
};

/* False when the configuration is wrong (what is wrong with it is on stderr) or a module refuses: then see
 * error. */
bool modules_load(struct modules *modules, const char *configuration);
void modules_unload(struct modules *modules);

/* A session from `peer` ("10.0.0.1", or "unix") on the configuration's first Listen, with its policy. */
void modules_session(struct modules *modules, struct imp_session *session, const char *peer);
void modules_session_end(struct imp_session *session);

#endif
