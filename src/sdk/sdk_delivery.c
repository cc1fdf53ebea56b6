/*
 * sdk_delivery: registering a way to deliver (include/impulse/delivery.h). What a method does with a delivery is in
 * src/module/delivery_method.c.
 */
#include "base/mem.h"
#include "delivery/delivery.h"
#include "impulse/delivery.h"
#include "sdk/sdk_registry.h"

static void free_row(void *what)
{
    struct module_delivery_method *row = what;
    free((char *)row->name);
    free((char *)row->pool);
    free((char *)row->help);
    free((char *)row->thread);
    free(row);
}

int imp_delivery_method(struct imp_module *module, const struct imp_delivery_method *given)
{
    const struct registry form = {
        .kind = "delivery_method", .below = delivery_methods(), .release = free_row};
    struct imp_delivery_method method;
    if (!module_copy_struct(&method, sizeof method, given))
        return module_misregistered(module, "imp_delivery_method: the method's size is not set");
    if (!sdk_has_text(method.name) || !method.deliver)
        return module_misregistered(module, "imp_delivery_method: the method has no name or no function");
    const char *pool = sdk_pool_name(module, method.pool, "imp_delivery_method");
    if (!pool)
        return -1;
    struct module_delivery_method *row = mem_new(struct module_delivery_method);
    *row = (struct module_delivery_method){
        .name = mem_dup(method.name),
        .pool = mem_dup(pool),
        .deliver = method.deliver,
        .closure = method.closure,
        .module = module,
        .help = mem_dup(method.help),
    };
    row->thread = mem_printf("pool %s", row->pool);
    struct registry_row entry = {.name = row->name, .help = row->help, .thread = row->thread, .what = row};
    if (sdk_register(module, MODULE_DELIVERY_METHODS, &form, &entry) == 0)
        return 0;
    free_row(row);
    return -1;
}
