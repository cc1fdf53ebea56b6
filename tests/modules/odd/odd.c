/*
 * odd: a delivery method, "odd", whose result is the number that the recipient's local part is, or which counts what it
 * reads for the recipient "count"; and a binding for everybody whose name comes from the configuration. It permits
 * relaying to everybody.
 */
#include <stdlib.h>
#include <string.h>
#include <impulse/delivery.h>
#include <impulse/hooks.h>
#include <impulse/message.h>
#include <impulse/module.h>
#include <impulse/session.h>

/* To the end and beyond, and once more with a cursor. */
static void count(struct imp_delivery *delivery, struct imp_module *module)
{
    struct imp_cursor *cursor = imp_cursor_open(imp_delivery_message(delivery), NULL, NULL);
    unsigned long long read = 0, seen = 0;
    const char *data;
    size_t size;
    while (imp_delivery_read(delivery, &data, &size) == 1) {
        read += size;
        if (imp_cursor_read(cursor, &data, &size) == 1)
            seen += size;
    }
    while (imp_cursor_read(cursor, &data, &size) == 1)
        seen += size;
    imp_cursor_close(cursor);
    imp_paniclog(module, IMP_NOTICE, "read %llu, seen %llu of %llu, then %d", read, seen,
                 (unsigned long long)imp_delivery_size(delivery), imp_delivery_read(delivery, &data, &size));
}

static enum imp_delivery_result deliver(struct imp_delivery *delivery, char *response, size_t response_size,
                                        void *closure)
{
    (void)response, (void)response_size;
    if (strncmp(imp_delivery_recipient(delivery), "count@", 6) == 0)
        count(delivery, closure);
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
    const char *wrong = imp_config_text(config, "wrong");
    struct imp_delivery_method method = {
        .size = sizeof method, .name = "odd", .deliver = deliver, .closure = module};
    if (strcmp(wrong, "size") == 0)
        method.size = 0;
    else if (strcmp(wrong, "name") == 0)
        method.name = "LMTP";
    else if (strcmp(wrong, "pool") == 0)
        method.pool = "deep end";
    imp_delivery_method(module, &method); /* that it fails stops the start all the same */
    return 0;
}

static void odd_teardown(struct imp_module *module)
{
    free(imp_module_data(module));
}

IMP_MODULE_DEFINE(.name = "odd", .description = "Delivers with results of all kinds", .kind = IMP_SINGLETON,
                  .setup = odd_setup, .teardown = odd_teardown);
