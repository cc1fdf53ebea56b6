/*
 * odd: a delivery method, "odd", whose result is the number that the recipient's local part is; and a binding for
 * everybody whose name comes from the configuration. It permits relaying to everybody.
 */
#include <stdlib.h>
#include <string.h>
#include <impulse/delivery.h>
#include <impulse/hooks.h>
#include <impulse/module.h>
#include <impulse/session.h>

static enum imp_delivery_result deliver(struct imp_delivery *delivery, char *response, size_t response_size,
                                        void *closure)
{
    (void)response, (void)response_size, (void)closure;
    return (enum imp_delivery_result)atoi(imp_delivery_recipient(delivery));
}

static enum imp_verdict permit(struct imp_call *call, void *closure)
{
    (void)closure;
    imp_session_permit_relay(imp_call_session(call));
    return IMP_CONT;
}

static enum imp_verdict bind(struct imp_call *call, void *closure)
{
    const char *binding = closure;
    if (binding)
        imp_session_set_binding(imp_call_session(call), binding, NULL);
    return IMP_CONT;
}

static int odd_setup(struct imp_module *module, const struct imp_config *config)
{
    const char *name = imp_config_text(config, "binding");
    char *binding = name ? strdup(name) : NULL;
    imp_module_set_data(module, binding);
    imp_hook_at(module, "validate_rcptto", permit, NULL);
    imp_hook_at(module, "validate_set_binding", bind, binding);
    return imp_delivery_method(
        module, &(struct imp_delivery_method){
                    .size = sizeof(struct imp_delivery_method), .name = "odd", .deliver = deliver});
}

static void odd_teardown(struct imp_module *module)
{
    free(imp_module_data(module));
}

IMP_MODULE_DEFINE(.name = "odd", .description = "Delivers with results of all kinds", .kind = IMP_SINGLETON,
                  .setup = odd_setup, .teardown = odd_teardown);
