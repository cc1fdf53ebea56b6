/*
 * load: reads and checks a configuration.
 */
#include "daemon/load.h"

#include <stdio.h>
#include <string.h>
#include "daemon/listens.h"
#include "delivery/delivery.h"
#include "log/paniclog.h"
#include "net/addr.h"

/* A word that is printed into replies, headers or commands; a line end in it would be a line of its own. */
static bool one_line_check(const char *text, char *error, size_t error_size)
{
    for (const char *c = text; *c; c++)
        if ((unsigned char)*c < 32 || *c == 127) {
            snprintf(error, error_size, "one line without control characters was expected");
            return false;
        }
    return true;
}

static bool address_check(const char *text, char *error, size_t error_size)
{
    struct net_addr ignored;
    if (strcmp(text, "*") == 0 || net_addr_parse(&ignored, text))
        return true;
    snprintf(error, error_size, "an IPv4 or IPv6 address, or *, was expected, not \"%s\"", text);
    return false;
}

/* Options whose values mean something to a part of the daemon that the configuration language does not know.
 */
static const struct {
    const char *option;
    bool (*check)(const char *text, char *error, size_t error_size);
} rules[] = {
    {"gateway", route_check},
    {"routes", route_check},
    {"bind_address", address_check},
    {"hostname", one_line_check},
    {"banner_hostname", one_line_check},
    {"received_hostname", one_line_check},
    {"static_banner", one_line_check},
    {"reconfig_message", one_line_check},
    {"ehlo_hostname", one_line_check},
    {"mailerdaemon", one_line_check},
};

static void check_value(const struct conf_value *value, size_t rule, struct conf_report *report)
{
    char error[256];
    if (value->count == 0 && *value->text && !rules[rule].check(value->text, error, sizeof error))
        conf_report_add(report, CONF_ERROR, value->place, "%s: %s", rules[rule].option, error);
    for (size_t i = 0; i < value->count; i++)
        if (!rules[rule].check(value->items[i], error, sizeof error))
            conf_report_add(report, CONF_ERROR, value->place, "%s: %s", rules[rule].option, error);
}

static void check_scope(const struct conf_scope *scope, struct conf_report *report)
{
    for (size_t i = 0; i < sizeof rules / sizeof *rules; i++) {
        const struct conf_value *value = conf_scope_value(scope, rules[i].option);
        if (value)
            check_value(value, i, report);
    }
    for (const struct conf_scope *child = NULL; (child = conf_scope_next(scope, NULL, child));)
        check_scope(child, report);
}

/* What only the daemon can judge. */
static void check(const struct conf *conf, struct conf_report *report, void *argument)
{
    (void)argument;
    listens_check(conf, report);
    check_scope(conf_root(conf), report);
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
        if (found->severity != CONF_ERROR)
            continue;
        if (!found->place.line) /* the file as a whole */
            paniclog(PANIC_ERROR, "%s: %s", found->place.file, found->message);
        else
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
    if (!conf) {
        size_t errors = conf_report_errors(report);
        paniclog(PANIC_CRITICAL, "%s: %zu error%s, the configuration is not used", arguments->config, errors,
                 errors == 1 ? "" : "s");
    }
    conf_report_free(report);
    return conf;
}
