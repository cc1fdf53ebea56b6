/*
 * pass_through: hooks every point of a session and objects to nothing. Ten instances of it show what being asked costs
 * (tests/load/compare).
 */
#include <impulse/hooks.h>

static enum imp_verdict pass(struct imp_call *call, void *closure)
{
    (void)call, (void)closure;
    return IMP_CONT;
}

static int pass_through_setup(struct imp_module *module, const struct imp_config *config)
{
    static const char *const points[] = {
        "validate_connect",     "validate_ehlo", "validate_auth",       "validate_mailfrom",
        "validate_rcptto",      "validate_data", "validate_data_spool", "validate_data_spool_each_rcpt",
        "validate_set_binding",
    };
    (void)config;
    for (size_t i = 0; i < sizeof points / sizeof *points; i++)
        if (imp_hook_at(module, points[i], pass, NULL) != 0)
            return -1;
    return 0;
}

IMP_MODULE_DEFINE(.name = "pass_through", .description = "Hooks everything and objects to nothing",
                  .kind = IMP_GENERIC, .setup = pass_through_setup);
