/*
 * set_load: loads the modules that a configuration names, and sets them up in the order of their plan. Main
 * thread.
 */
#include <stdio.h>
#include "module/crash_guard.h"
#include "module/imp_config.h"
#include "module/loader.h"
#include "module/plan.h"
#include "module/set.h"
#include "policy/fields.h"

struct setting_up {
    struct imp_module *module;
    const struct imp_config *config;
};

static int call_setup(void *closure)
{
    struct setting_up *setting_up = closure;
    return setting_up->module->definition->setup(setting_up->module, setting_up->config);
}

static enum imp_level level_of(const char *name)
{
    static const char *const names[] = {"CRITICAL", "ERROR", "WARNING", "NOTICE", "INFO", "DEBUG"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (name && strcmp(names[i], name) == 0)
            return (enum imp_level)i;
    return IMP_ERROR;
}

/* Says where the stanza is, if there is one, then what is wrong. */
static void say_error(const struct imp_config *config, const struct imp_module *module, char *error,
                      size_t error_size)
{
    const char *what = module->error[0] ? module->error : "its setup failed without saying why";
    if (config->reading->fault.line[0]) {
        snprintf(error, error_size, "%s", config->reading->fault.line);
    } else if (config->scope) {
        struct conf_place place = conf_scope_place(config->scope);
        snprintf(error, error_size, "%s:%u: module %s: %s", place.file, place.line, module->label, what);
    } else {
        snprintf(error, error_size, "module %s: %s", module->label, what);
    }
}

static bool set_up(struct module_set *set, const struct plan_item *item, const struct conf *conf, char *error,
                   size_t error_size)
{
    struct config_reading reading;
    struct imp_config config = {conf, item->scope, item->manifest, "", &reading};
    config_reading_begin(&reading, item->manifest->name);
    if (!imp_config_bool(&config, "enabled"))
        return true;
    const struct imp_module_definition *definition = module_load(item->manifest, error, error_size);
    if (!definition)
        return false;
    const char *instance = item->scope && !item->manifest->singleton ? conf_scope_name(item->scope) : "";
    struct imp_module *module = module_set_add(set, definition, instance);
    module->level = level_of(imp_config_text(&config, "debug_level"));
    module->in_setup = true;
    reading.fault.module = module->label;
    struct runner runner = {module->label, "its setup", ""};
    int answer = crash_guard_call(&runner, call_setup, &(struct setting_up){module, &config});
    module->in_setup = false;
    config_reading_end(&reading);
    if (answer == 0 && !module->misregistered && !reading.fault.line[0])
        return true;
    say_error(&config, module, error, error_size);
    module->failed = answer != 0; /* a setup that returned 0 expects its teardown */
    return false;
}

bool module_set_check(const struct conf *conf, const struct manifest_set *manifests, char *error,
                      size_t error_size)
{
    struct plan plan;
    bool fine = plan_make(&plan, conf, manifests, error, error_size);
    for (size_t i = 0; fine && i < plan.count; i++)
        fine = module_load(plan.items[i].manifest, error, error_size) != NULL;
    plan_release(&plan);
    return fine;
}

static const struct policy_field limits[] = {
#define HOOKS(field, option, type) POLICY_FIELD(struct hook_limits, field, option, type),
#include "policy/fields_of.h"
};

static void read_limits(struct module_set *set, const struct conf *conf)
{
    struct conf_chain chain;
    conf_chain_global(&chain, conf);
    policy_fields_fill(&set->hook_limits, limits, POLICY_FIELD_COUNT(limits), &chain);
}

struct module_set *module_set_load(const struct conf *conf, const struct manifest_set *manifests,
                                   struct pool_set *pools, char *error, size_t error_size)
{
    struct plan plan;
    struct module_set *set = module_set_create(pools);
    read_limits(set, conf);
    bool fine = plan_make(&plan, conf, manifests, error, error_size);
    for (size_t i = 0; fine && i < plan.count; i++)
        fine = set_up(set, &plan.items[i], conf, error, error_size);
    fine = fine && module_set_place_hooks(set, error, error_size) &&
           module_set_check_outbound(set, conf, error, error_size);
    plan_release(&plan);
    if (!fine) {
        module_set_unref(set);
        return NULL;
    }
    if (!log_hooks_paniclog_taker())
        log_hooks_take_paniclog(set);
    return set;
}
