/*
 * sdk_service: what modules offer each other (include/impulse/service.h).
 */
#include "impulse/service.h"

#include "base/mem.h"
#include "sdk/sdk_registry.h"

struct service_row {
    struct imp_service service;
    char *name, *help;
};

static void free_row(void *what)
{
    struct service_row *row = what;
    free(row->name);
    free(row->help);
    free(row);
}

static const struct registry form = {.kind = "service", .release = free_row};

int imp_service_offer(struct imp_module *module, const struct imp_service *given)
{
    struct imp_service service;
    if (!module_copy_struct(&service, sizeof service, given) || !sdk_has_text(service.name) ||
        !service.version || !service.functions)
        return module_misregistered(module,
                                    "imp_service_offer: size, name, version and functions are required");
    struct service_row *row = mem_new(struct service_row);
    row->service = service;
    row->service.size = sizeof row->service;
    row->service.name = row->name = mem_dup(service.name);
    row->service.help = row->help = mem_dup(service.help);
    struct registry_row entry = {.name = row->name, .help = row->help, .thread = "the caller's", .what = row};
    if (sdk_register(module, MODULE_SERVICES, &form, &entry) == 0)
        return 0;
    free_row(row);
    return -1;
}

const struct imp_service *imp_service_find(struct imp_module *module, const char *name, unsigned version)
{
    const struct registry_row *row =
        name ? registry_find(&module->set->registries[MODULE_SERVICES], slice_text(name)) : NULL;
    if (!module->in_setup) {
        imp_module_error(module, "a service can only be looked for in setup");
        return NULL;
    }
    if (!row) {
        imp_module_error(module, "no module that is set up before this one offers the service \"%s\"",
                         name ? name : "");
        return NULL;
    }
    const struct service_row *found = row->what;
    if (found->service.version == version)
        return &found->service;
    imp_module_error(module, "the service \"%s\" of %s is version %u, not %u", row->name, row->owner,
                     found->service.version, version);
    return NULL;
}
