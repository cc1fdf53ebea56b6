/*
 * plan.h: which instances a configuration wants, in the order in which they are set up.
 */
#ifndef IMPULSE_MODULE_PLAN_H
#define IMPULSE_MODULE_PLAN_H

#include "module/manifest.h"

struct plan_item {
    const struct manifest *manifest;
    const struct conf_scope *scope; /* NULL: no stanza, loaded because something needs it */
};

struct plan {
    struct plan_item *items; /* owned */
    size_t count;
};

/*
 * Stanzas in the order of the file, then modules that options load implicitly, each after what it requires.
 * False with one line in error[] when a required module does not exist or modules require each other.
 * plan_release always.
 */
bool plan_make(struct plan *plan, const struct conf *conf, const struct manifest_set *manifests, char *error,
               size_t error_size);
void plan_release(struct plan *plan);

#endif
