/*
 * imp_config.h: a module instance's configuration scope, while its setup runs.
 */
#ifndef IMPULSE_MODULE_IMP_CONFIG_H
#define IMPULSE_MODULE_IMP_CONFIG_H

#include "module/manifest.h"

struct imp_config {
    const struct conf *conf;
    const struct conf_scope *scope; /* NULL: no stanza; the manifest's defaults apply */
    const struct manifest *manifest;
};

#endif
