/*
 * load: reads and checks a configuration.
 */
#include "daemon/load.h"

#include <stdio.h>
#include "daemon/listens.h"
#include "delivery/delivery.h"
#include "log/paniclog.h"

/* gateway and routes name next hops; their syntax is the transport's. */
static void check_routes(const struct conf_scope *scope, struct conf_report *report)
{
    static const char *const options[] = {"gateway", "routes"};
    for (size_t i = 0; i < sizeof options / sizeof *options; i++) {
        const struct conf_value *value = conf_scope_value(scope, options[i]);
        char error[256];
        if (!value)
            continue;
        if (value->count == 0 && *value->text && !route_check(value->text, error, sizeof error))
            conf_report_add(report, CONF_ERROR, value->place, "%s: %s", options[i], error);
        for (size_t k = 0; k < value->count; k++)
            if (!route_check(value->items[k], error, sizeof error))
                conf_report_add(report, CONF_ERROR, value->place, "%s: %s", options[i], error);
    }
    for (const struct conf_scope *child = NULL; (child = conf_scope_next(scope, NULL, child));)
        check_routes(child, report);
}

/* What only the daemon can judge. */
static void check(const struct conf *conf, struct conf_report *report, void *argument)
{
    (void)argument;
    listens_check(conf, report);
    check_routes(conf_root(conf), report);
}

/* At a start somebody looks at stderr; a running daemon has nothing but its paniclog. */
static void tell(const struct conf_report *report, bool running)
{
    if (!running) {
        conf_report_print(report, stderr);
        return;
    }
    for (size_t i = 0; i < conf_report_count(report); i++) {
        const struct conf_diagnostic *found = conf_report_at(report, i);
        if (found->severity == CONF_ERROR)
            paniclog(PANIC_ERROR, "%s:%u:%u: %s", found->place.file, found->place.line, found->place.column,
                     found->message);
    }
}

struct conf *load_configuration(const struct arguments *arguments, bool running,
                                struct manifest_set **manifests)
{
    char error[512];
    struct conf_report *report;
    struct conf_load_options options = {
        .lenient = arguments->lenient, .search_path = IMPULSE_SYSCONF_DIR, .check = check};
    *manifests = manifest_set_read(arguments->modules, error, sizeof error);
    if (!*manifests) {
        paniclog(PANIC_CRITICAL, "%s", error);
        return NULL;
    }
    options.modules = manifest_set_schemas(*manifests, &options.module_count);
    struct conf *conf = conf_load(arguments->config, &options, &report);
    tell(report, running);
    if (!conf)
        paniclog(PANIC_CRITICAL, "%s: %zu errors, the configuration is not used", arguments->config,
                 conf_report_errors(report));
    conf_report_free(report);
    return conf;
}
