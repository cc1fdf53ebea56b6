/*
 * fuzz_conf: any bytes as ecelerity.conf, for libFuzzer (tests/fuzz/run).
 *
 * Whatever the text, the load ends, and either there is a generation or an error that has a place. Everything
 * that a generation holds is then looked at, so that the sanitizers see it.
 */
#include <stdlib.h>
#include <string.h>
#include "confparse/confparse.h"

static const struct conf_option options[] = {
    {.name = "mainlog", .type = CONF_STRING, .default_text = "\"/var/log/mainlog\"", .note = ""},
    {.name = "mode", .type = CONF_MODE, .default_text = "0640", .note = ""},
    {.name = "limit", .type = CONF_THROTTLE, .note = ""},
    {.name = "where", .type = CONF_CIDR, .note = ""},
};
static const struct conf_module_schema modules[] = {
    {.name = "ec_logger", .options = options, .option_count = 4},
    {.name = "relay", .singleton = true},
};

static void require(bool condition)
{
    if (!condition)
        abort();
}

static void look_at_value(const struct conf_value *value)
{
    size_t texts = value->type == CONF_DICT ? 2 * value->count : value->count;
    require(value->text && value->place.file);
    for (size_t i = 0; i < texts; i++)
        require(strlen(value->items[i]) + 1 > 0);
}

static void look_at_chain(const struct conf_chain *chain)
{
    require(chain->count > 0 && chain->count <= CONF_CHAIN_MAX);
    for (size_t i = 0; i < conf_option_count(); i += 7) {
        const struct conf_value *value = conf_chain_value(chain, conf_option_at(i)->name);
        if (value)
            look_at_value(value);
    }
}

static void look_at_scope(const struct conf *conf, const struct conf_scope *scope)
{
    static const uint8_t peer[16] = {[10] = 0xff, [11] = 0xff, [12] = 10, [15] = 1};
    const struct conf_scope *child = NULL;
    struct conf_chain chain;
    for (size_t i = 0; i < conf_option_count(); i++) {
        const struct conf_value *value = conf_scope_value(scope, conf_option_at(i)->name);
        if (value)
            look_at_value(value);
    }
    conf_module_value(conf, scope, "mainlog");
    while ((child = conf_scope_next(scope, NULL, child))) {
        require(conf_scope_parent(child) == scope);
        require(conf_scope_find(scope, conf_scope_kind(child), conf_scope_name(child)) == child);
        if (strcmp(conf_scope_kind(child), "listen") == 0) {
            conf_chain_inbound(&chain, conf, scope, child, peer);
            look_at_chain(&chain);
        } else if (strcmp(conf_scope_kind(child), "domain") == 0) {
            conf_chain_outbound(&chain, conf, conf_scope_name(scope), conf_scope_name(child));
            look_at_chain(&chain);
        }
        look_at_scope(conf, child);
    }
}

static void look_at_report(const struct conf_report *report)
{
    static FILE *nowhere;
    for (size_t i = 0; i < conf_report_count(report); i++) {
        const struct conf_diagnostic *found = conf_report_at(report, i);
        require(found->width > 0 && *found->message && !strchr(found->message, '\n'));
        require(found->place.line == 0 || found->place.column > 0);
    }
    if (!nowhere)
        nowhere = fopen("/dev/null", "w");
    if (nowhere)
        conf_report_print(report, nowhere);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct conf_load_options load = {.modules = modules, .module_count = 2, .lenient = size & 1};
    struct conf_report *report;
    if (memmem(data, size, "nclude", 6) && memchr(data, '/', size))
        return -1; /* it could name a file of this machine */
    struct conf *conf = conf_load_text("/nonexistent/fuzz", (const char *)data, size, &load, &report);
    require((conf == NULL) == (conf_report_errors(report) > 0));
    look_at_report(report);
    if (conf)
        look_at_scope(conf, conf_root(conf));
    conf_report_free(report);
    conf_unref(conf);
    return 0;
}
