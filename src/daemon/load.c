/*
 * load: reads and checks a configuration.
 */
#include "daemon/load.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>
#include "base/mem.h"
#include "control/control.h"
#include "daemon/listen_kinds.h"
#include "daemon/listens.h"
#include "delivery/delivery.h"
#include "daemon/threads.h"
#include "net/addr.h"
#include "site/route.h"
#include "smtp/wire/address.h"

/* A word that is printed into replies, headers or commands; a line end in it would be a line of its own. */
static bool one_line_check(const char *text, char *error, size_t error_size)
{
    if (!slice_has_control(slice_text(text)))
        return true;
    snprintf(error, error_size, "one line without control characters was expected");
    return false;
}

/* The argument of EHLO, and what stands for it: a blank in it would begin another one. */
static bool one_word_check(const char *text, char *error, size_t error_size)
{
    if (!one_line_check(text, error, error_size))
        return false;
    if (!strchr(text, ' '))
        return true;
    snprintf(error, error_size, "a host name was expected, not \"%s\"", text);
    return false;
}

static bool domain_check(const char *text, char *error, size_t error_size)
{
    if (address_domain_valid(slice_text(text)))
        return true;
    snprintf(error, error_size, "a domain was expected, not \"%s\"", text);
    return false;
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
    {"hostname", one_word_check},
    {"banner_hostname", one_line_check},
    {"received_hostname", one_line_check},
    {"static_banner", one_line_check},
    {"reconfig_message", one_line_check},
    {"ehlo_hostname", one_word_check},
    {"mailerdaemon", one_line_check},
    {"domain_for_unqualified_recipient_addresses", domain_check},
    {"domain_for_unqualified_sender_address", domain_check},
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

/* Where another method delivers, routes have its form: "apn://...". The method itself is warned of. */
static bool has_other_routes(const struct conf_scope *scope)
{
    const struct conf_value *method = conf_scope_value(scope, "delivery_method");
    return method && !registry_find(delivery_methods(), slice_text(method->text));
}

static bool is_announced(const struct manifest_set *manifests, const char *method)
{
    const char *name;
    for (size_t i = 0; (name = manifest_set_announced(manifests, "delivery_method", i)); i++)
        if (strcasecmp(name, method) == 0)
            return true;
    return false;
}

/* Momentum's methods that are not here are warned of by the language. */
static bool is_documented(const char *method)
{
    for (size_t i = 0; i < conf_exception_count(); i++) {
        const struct conf_exception *known = conf_exception_at(i);
        if (strcmp(known->option, "delivery_method") == 0 && known->value &&
            strcasecmp(known->value, method) == 0)
            return true;
    }
    return false;
}

/* A method that nobody has: mail would wait in vain. */
static void check_method(const struct conf_scope *scope, const struct manifest_set *manifests,
                         struct conf_report *report)
{
    const struct conf_value *value = conf_scope_value(scope, "delivery_method");
    if (value && !registry_find(delivery_methods(), slice_text(value->text)) &&
        !is_announced(manifests, value->text) && !is_documented(value->text))
        conf_report_add(report, CONF_ERROR, value->place,
                        "delivery_method: there is no method \"%s\": neither the core nor the manifest of a "
                        "module has it",
                        value->text);
}

/* What takes a promise back: an operator shall know it from every check and every start. */
static void warn_of_deferral(const struct conf_scope *scope, struct conf_report *report)
{
    const struct conf_value *value = conf_scope_value(scope, "deferred_spool");
    if (value && value->number)
        conf_report_add(report, CONF_WARNING, value->place,
                        "deferred_spool: a 250 is no promise: a message that was not tried yet is lost when "
                        "the process or the machine fails");
}

/* Nothing is put in front of static_banner, so a greeting in words alone is one that no client understands.
 */
static void warn_of_greeting(const struct conf_scope *scope, struct conf_report *report)
{
    const struct conf_value *value = conf_scope_value(scope, "static_banner");
    if (value && *value->text && (strspn(value->text, "0123456789") != 3 || value->text[3] != ' '))
        conf_report_add(report, CONF_WARNING, value->place,
                        "static_banner: the whole greeting is expected, with its code: \"220 %s\"",
                        value->text);
}

static void check_scope(const struct conf_scope *scope, const struct manifest_set *manifests,
                        struct conf_report *report)
{
    check_method(scope, manifests, report);
    warn_of_deferral(scope, report);
    warn_of_greeting(scope, report);
    for (size_t i = 0; i < conf_scope_value_count(scope); i++) {
        const char *option;
        const struct conf_value *value = conf_scope_value_at(scope, i, &option);
        for (size_t rule = 0; rule < sizeof rules / sizeof *rules; rule++)
            if (strcmp(rules[rule].option, option) == 0 &&
                !(rules[rule].check == route_check && has_other_routes(scope)))
                check_value(value, rule, report);
    }
    for (const struct conf_scope *child = NULL; (child = conf_scope_next(scope, NULL, child));)
        check_scope(child, manifests, report);
}

/* What only the daemon can judge. */
static void check(const struct conf *conf, struct conf_report *report, void *argument)
{
    threads_check(conf, report);
    listens_check(conf, report);
    control_check(conf, report);
    smtp_auth_check(conf, report);
    smtp_extension_check(conf, report);
    smtp_pathway_check(conf, report);
    check_scope(conf_root(conf), argument, report);
}

bool loading_begin(struct loading *loading, const struct arguments *arguments, char *error, size_t error_size)
{
    *loading = (struct loading){.manifests = manifest_set_read(arguments->modules, error, error_size)};
    if (!loading->manifests)
        return false;
    loading->options = (struct conf_load_options){.lenient = arguments->lenient,
                                                  .search_path = IMPULSE_SYSCONF_DIR,
                                                  .module_directory = arguments->modules,
                                                  .check = check,
                                                  .check_argument = loading->manifests};
    smtp_server_register();
    delivery_register();
    listen_kinds_register();
    const char *keyword, *module;
    for (size_t i = 0; (module = manifest_set_listener(loading->manifests, i)); i++)
        if (!listen_kinds_declare(module, error, error_size))
            return false;
    for (size_t i = 0; (keyword = manifest_set_announced(loading->manifests, "smtp_extension", i)); i++)
        smtp_extension_declare(keyword);
    loading->options.modules = manifest_set_schemas(loading->manifests, &loading->options.module_count);
    return true;
}

void loading_end(struct loading *loading)
{
    manifest_set_free(loading->manifests);
    *loading = (struct loading){0};
}

char *load_describe(const struct conf_diagnostic *found)
{
    if (!found->place.line) /* the file as a whole */
        return mem_printf("%s: %s", found->place.file, found->message);
    return mem_printf("%s:%u:%u: %s", found->place.file, found->place.line, found->place.column,
                      found->message);
}

struct conf *load_configuration(const struct loading *loading, const char *path, enum conf_severity least,
                                char *error, size_t error_size)
{
    struct conf_report *report;
    struct conf *conf = conf_load(path, &loading->options, &report);
    conf_report_print(report, least, stderr);
    if (!conf) {
        size_t errors = conf_report_errors(report);
        snprintf(error, error_size, "%s has %zu error%s", path, errors, errors == 1 ? "" : "s");
    }
    conf_report_free(report);
    return conf;
}
