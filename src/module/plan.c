/*
 * plan: decides what is loaded before anything is.
 */
#include "module/plan.h"

#include <stdio.h>
#include "base/mem.h"

struct planner {
    struct plan *plan;
    const struct conf_scope *root;
    const struct manifest_set *manifests;
    char *error;
    size_t error_size;
};

static bool plan_module(struct planner *planner, const struct manifest *manifest, size_t depth);

static bool is_planned(const struct plan *plan, const struct manifest *manifest,
                       const struct conf_scope *scope)
{
    for (size_t i = 0; i < plan->count; i++)
        if (plan->items[i].manifest == manifest && plan->items[i].scope == scope)
            return true;
    return false;
}

/* One instance, after all that its module requires. `depth`: how many modules led here by requiring. */
static bool plan_instance(struct planner *planner, const struct manifest *manifest,
                          const struct conf_scope *scope, size_t depth)
{
    struct plan *plan = planner->plan;
    if (is_planned(plan, manifest, scope))
        return true;
    if (depth > manifest_count(planner->manifests)) {
        snprintf(planner->error, planner->error_size, "%s: module \"%s\" requires itself through others",
                 manifest->file, manifest->name);
        return false;
    }
    for (size_t i = 0; i < manifest->requires.count; i++) {
        const struct manifest *required = manifest_find(planner->manifests, manifest->requires.names[i]);
        if (!required) {
            snprintf(planner->error, planner->error_size,
                     "%s: module \"%s\" requires \"%s\", which has no manifest", manifest->file,
                     manifest->name, manifest->requires.names[i]);
            return false;
        }
        if (!plan_module(planner, required, depth + 1))
            return false;
    }
    plan->items = mem_resize(plan->items, (plan->count + 1) * sizeof *plan->items);
    plan->items[plan->count++] = (struct plan_item){manifest, scope};
    return true;
}

/* Every stanza of the module, or one instance without a stanza. */
static bool plan_module(struct planner *planner, const struct manifest *manifest, size_t depth)
{
    const struct conf_scope *scope = conf_scope_next(planner->root, manifest->name, NULL);
    if (!scope)
        return plan_instance(planner, manifest, NULL, depth);
    for (; scope; scope = conf_scope_next(planner->root, manifest->name, scope))
        if (!plan_instance(planner, manifest, scope, depth))
            return false;
    return true;
}

static bool is_wanted_by_option(const struct conf *conf, const struct manifest *manifest)
{
    for (size_t i = 0; i < manifest->provides.count; i++)
        if (conf_is_set(conf, manifest->provides.names[i]))
            return true;
    for (size_t i = 0; i < manifest->added_count; i++)
        if (conf_is_set(conf, manifest->added[i].name))
            return true;
    return false;
}

bool plan_make(struct plan *plan, const struct conf *conf, const struct manifest_set *manifests, char *error,
               size_t error_size)
{
    struct planner planner = {plan, conf_root(conf), manifests, error, error_size};
    *plan = (struct plan){0};
    const struct conf_scope *scope = NULL;
    const struct manifest *manifest = NULL;
    const char *kind = NULL;
    while ((scope = conf_scope_next(planner.root, NULL, scope))) {
        if (conf_scope_kind(scope) != kind) /* stanzas of one kind come in crowds, and share its text */
            manifest = manifest_find(manifests, kind = conf_scope_kind(scope));
        if (manifest && !plan_instance(&planner, manifest, scope, 0))
            return false;
    }
    for (size_t i = 0; i < manifest_count(manifests); i++) {
        manifest = manifest_at(manifests, i);
        if (is_wanted_by_option(conf, manifest) && !plan_module(&planner, manifest, 0))
            return false;
    }
    return true;
}

void plan_release(struct plan *plan)
{
    free(plan->items);
    *plan = (struct plan){0};
}
