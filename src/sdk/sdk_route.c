/*
 * sdk_route: the registry of HTTP routes (include/impulse/route.h), by "METHOD /path".
 */
#include "sdk/sdk_route.h"

#include <string.h>
#include "base/mem.h"
#include "impulse/route.h"
#include "sdk/sdk_registry.h"

struct route_row {
    char *name; /* "GET /path" */
    char *help, *pool;
    imp_route_fn *run;
    void *closure;
    unsigned flags;
};

static void free_row(void *what)
{
    struct route_row *row = what;
    free(row->name);
    free(row->help);
    free(row->pool);
    free(row);
}

static const struct registry form = {.kind = "route", .release = free_row};

static bool is_method(const char *method)
{
    return sdk_has_text(method) && strspn(method, "ABCDEFGHIJKLMNOPQRSTUVWXYZ-") == strlen(method);
}

static bool is_path(const char *path)
{
    return path && path[0] == '/' && !strpbrk(path, " ?#") && !slice_has_control(slice_text(path));
}

int imp_route_add(struct imp_module *module, const struct imp_route *given)
{
    struct imp_route route;
    if (!sdk_copy_struct(&route, sizeof route, given) || !is_method(route.method) || !is_path(route.path) ||
        !sdk_has_text(route.help) || !route.run) {
        imp_module_error(
            module, "imp_route_add: size, method (upper case), path (from /), help and run are required");
        return -1;
    }
    struct route_row *row = mem_new(struct route_row);
    *row = (struct route_row){
        .name = mem_printf("%s %s", route.method, route.path),
        .help = mem_dup(route.help),
        .pool = mem_dup(route.pool),
        .run = route.run,
        .closure = route.closure,
        .flags = route.flags,
    };
    if (sdk_register(module, MODULE_ROUTES, &form, row->name, row) == 0)
        return 0;
    free_row(row);
    return -1;
}

void sdk_route_print(const struct module_set *set, FILE *out)
{
    const struct registry *routes = module_set_registry(set, MODULE_ROUTES);
    for (const struct registry_row *at = NULL; (at = registry_next(routes, at));) {
        const struct route_row *row = at->what;
        fprintf(out, "%s\n    %s\n    Owner: %s. Thread: %s%s.\n", row->name, row->help, at->owner,
                row->flags & IMP_ROUTE_MAY_BLOCK ? "pool " : "main",
                !(row->flags & IMP_ROUTE_MAY_BLOCK) ? ""
                : row->pool                         ? row->pool
                                                    : "IO");
    }
}
