/*
 * sdk_registry: see sdk_registry.h.
 */
#include "sdk/sdk_registry.h"

const char *sdk_pool_name(struct imp_module *module, const char *name, const char *asking)
{
    struct pool_set *pools = module->set->pools;
    name = name ? name : "IO";
    if (!pools || pool_set_find(pools, name))
        return name;
    module_misregistered(module, "%s: there is no ThreadPool \"%s\"", asking, name);
    return NULL;
}

int sdk_register(struct imp_module *module, enum module_registry which, const struct registry *form,
                 const struct registry_row *given)
{
    struct registry_row row = *given;
    struct registry *registry = &module->set->registries[which];
    char error[MODULE_ERROR_SIZE];
    if (!module->in_setup)
        return module_misregistered(module, "a %s can only be registered in setup", form->kind);
    if (!registry->kind)
        *registry = (struct registry){.kind = form->kind, .below = form->below, .release = form->release};
    row.owner = module->owner;
    if (!sdk_has_text(row.help))
        row.help = module->definition->description;
    if (registry_add(registry, &row, error, sizeof error))
        return 0;
    return module_misregistered(module, "%s", error);
}
