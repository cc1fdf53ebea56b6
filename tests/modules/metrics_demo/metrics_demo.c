/*
 * metrics_demo: counts recipients by the first letter of their local part, and how long their addresses are.
 *
 * It permits relaying to everybody.
 */
#include <stdlib.h>
#include <string.h>
#include <impulse/hooks.h>
#include <impulse/metric.h>
#include <impulse/module.h>
#include <impulse/session.h>

struct metrics_demo {
    struct imp_metric *letters[26], *others, *sizes, *longest;
    double generation;
};

static enum imp_verdict count(struct imp_call *call, void *closure)
{
    struct metrics_demo *demo = closure;
    struct imp_session *session = imp_call_session(call);
    const char *recipient = imp_session_recipient(session);
    struct imp_metric *letter =
        *recipient >= 'a' && *recipient <= 'z' ? demo->letters[*recipient - 'a'] : demo->others;
    imp_metric_add(letter, 1);
    imp_metric_observe(demo->sizes, (double)strlen(recipient));
    imp_metric_set(demo->longest, (double)strlen(recipient));
    imp_metric_set(demo->others, 3); /* it is a counter: ignored */
    imp_session_permit_relay(session);
    return IMP_CONT;
}

static double generation(void *closure)
{
    return ((struct metrics_demo *)closure)->generation;
}

static int metrics_demo_setup(struct imp_module *module, const struct imp_config *config)
{
    static const double bounds[] = {10, 20, 40};
    struct metrics_demo *demo = calloc(1, sizeof *demo);
    imp_module_set_data(module, demo);
    demo->generation = (double)imp_config_int(config, "generation");
    struct imp_metric_row row = {
        .size = sizeof row,
        .name = imp_config_text(config, "name"),
        .help = "Recipients by the first letter of their local part",
    };
    demo->others = imp_metric_counter(module, &row);
    for (int i = 0; i < 26; i++) {
        char letter[] = {(char)('a' + i), '\0'};
        const char *labels[] = {"letter", letter, NULL};
        row.labels = labels;
        demo->letters[i] = imp_metric_counter(module, &row);
        if (!demo->letters[i]) {
            free(demo);
            return -1;
        }
    }
    demo->sizes = imp_metric_histogram(module, &(struct imp_metric_row){
                                                   .size = sizeof row,
                                                   .name = "metrics_demo_address_bytes",
                                                   .bounds = bounds,
                                                   .bound_count = 3,
                                               });
    demo->longest = imp_metric_gauge(module, &(struct imp_metric_row){
                                                 .size = sizeof row,
                                                 .name = "metrics_demo_last_address_bytes",
                                             });
    if (!imp_metric_gauge(module, &(struct imp_metric_row){
                                      .size = sizeof row,
                                      .name = "metrics_demo_generation",
                                      .read = generation,
                                      .closure = demo,
                                  }))
        return -1;
    return imp_hook_at(module, "validate_rcptto", count, demo);
}

static void metrics_demo_teardown(struct imp_module *module)
{
    free(imp_module_data(module));
}

IMP_MODULE_DEFINE(.name = "metrics_demo", .description = "Counts recipients", .kind = IMP_SINGLETON,
                  .setup = metrics_demo_setup, .teardown = metrics_demo_teardown);
