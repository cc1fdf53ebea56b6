/*
 * sdk_route: the registry of HTTP routes (include/impulse/route.h), by "METHOD /path".
 */
#include "impulse/route.h"

#include <string.h>
#include "base/mem.h"
#include "sdk/sdk_registry.h"

struct route_row {
    char *name;                 /* "GET /path" */
    char *help, *pool, *thread; /* `pool` NULL: the main thread */
    imp_route_fn *run;
    void *closure;
};

static void free_row(void *what)
{
    struct route_row *row = what;
    free(row->name);
    free(row->help);
    free(row->pool);
    free(row->thread);
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
    if (!module_copy_struct(&route, sizeof route, given) || !is_method(route.method) ||
        !is_path(route.path) || !sdk_has_text(route.help) || !route.run)
        return module_misregistered(
            module, "imp_route_add: size, method (upper case), path (from /), help and run are required");
    bool may_block = route.flags & IMP_ROUTE_MAY_BLOCK;
    const char *pool = may_block ? sdk_pool_name(module, route.pool, "imp_route_add") : NULL;
    if (may_block && !pool)
        return -1;
    struct route_row *row = mem_new(struct route_row);
    *row = (struct route_row){
        .name = mem_printf("%s %s", route.method, route.path),
        .help = mem_dup(route.help),
        .run = route.run,
        .closure = route.closure,
    };
    if (pool) {
        row->pool = mem_dup(pool);
        row->thread = mem_printf("pool %s", row->pool);
    }
    struct registry_row entry = {
        .name = row->name, .help = row->help, .thread = row->thread ? row->thread : "main", .what = row};
    if (sdk_register(module, MODULE_ROUTES, &form, &entry) == 0)
        return 0;
    free_row(row);
    return -1;
}
