/*
 * cmd_metrics: the console's command that lists metrics.
 */
#include "control/ctl_command.h"
#include "metrics/metric.h"

static bool run_metrics(struct command_call *call)
{
    if (metric_print(call->out, call->count ? call->words[0] : "") > 0)
        return true;
    fprintf(call->out, "There is no metric whose name begins with \"%s\".\n", call->words[0]);
    return false;
}

static const struct ctl_command table[] = {
    {"metrics", "[PREFIX]", 0, 1, "shows counters, gauges and histograms, in Prometheus' text format",
     .run = run_metrics},
};

void cmd_metrics_register(void)
{
    ctl_commands_add("the console", table, sizeof table / sizeof *table);
}
