/*
 * asker: declares hook points and calls them.
 *
 *   asker_about_recipient   asked at RCPT; the argument is the recipient's address. A refusal becomes the
 * answer. asker_was_here          told at RCPT; the argument is the same
 *
 * It permits relaying to everybody.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <impulse/hooks.h>

struct points {
    struct imp_point *about_recipient, *was_here;
};

static enum imp_verdict rcptto(struct imp_call *call, void *closure)
{
    const struct points *asked = closure;
    struct imp_session *session = imp_call_session(call);
    struct imp_refusal refusal = {.size = sizeof refusal};
    struct imp_point_call what = {.size = sizeof what,
                                  .session = session,
                                  .argument = imp_session_recipient(session),
                                  .refusal = &refusal};
    imp_session_permit_relay(session);
    if (imp_point_is_hooked(asked->was_here))
        imp_point_call(asked->was_here, &what);
    if (imp_point_call(asked->about_recipient, &what) != IMP_DONE || refusal.code == 0)
        return IMP_CONT;
    char text[600];
    snprintf(text, sizeof text, "%s (says %s)", refusal.text, refusal.module);
    imp_call_reject(call, refusal.code, refusal.enhanced, text);
    return IMP_DONE;
}

static int setup(struct imp_module *module, const struct imp_config *config)
{
    struct imp_point_row about = {.size = sizeof about,
                                  .name = "asker_about_recipient",
                                  .help = "a recipient is asked for; the argument is its address",
                                  .flags = IMP_POINT_MAY_REFUSE};
    struct imp_point_row was_here = {
        .size = sizeof was_here, .name = "asker_was_here", .help = "the same, but nobody can object"};
    (void)config;
    struct points *points = calloc(1, sizeof *points); /* sessions of the instance before have its own */
    if (!points)
        return -1;
    imp_module_set_data(module, points);
    points->about_recipient = imp_point_declare(module, &about);
    points->was_here = imp_point_declare(module, &was_here);
    return imp_hook_at(module, "validate_rcptto", rcptto, points);
}

static void teardown(struct imp_module *module)
{
    free(imp_module_data(module));
}

IMP_MODULE_DEFINE(.name = "asker", .description = "Asks other modules about each recipient",
                  .kind = IMP_SINGLETON, .setup = setup, .teardown = teardown);
