/*
 * imp_config: a module's own options, and core options of the global scope, while its setup runs.
 */
#include "module/imp_config.h"

#include "impulse/module.h"

static const struct conf_value *own_value(const struct imp_config *config, const char *option)
{
    if (config->scope)
        return conf_module_value(config->conf, config->scope, option);
    return conf_module_default(config->conf, config->manifest->name, option);
}

static const struct conf_value *global_value(const struct imp_config *config, const char *option)
{
    struct conf_chain chain;
    conf_chain_global(&chain, config->conf);
    return conf_chain_value(&chain, option);
}

static const char *text_of(const struct conf_value *value)
{
    return value ? value->text : NULL;
}

static int64_t number_of(const struct conf_value *value)
{
    return value ? value->number : 0;
}

const char *imp_config_text(const struct imp_config *config, const char *option)
{
    return text_of(own_value(config, option));
}

bool imp_config_bool(const struct imp_config *config, const char *option)
{
    return number_of(own_value(config, option)) != 0;
}

int64_t imp_config_int(const struct imp_config *config, const char *option)
{
    return number_of(own_value(config, option));
}

bool imp_config_is_set(const struct imp_config *config, const char *option)
{
    return config->scope && conf_scope_value(config->scope, option);
}

const char *imp_config_item(const struct imp_config *config, const char *option, size_t index)
{
    const struct conf_value *value = own_value(config, option);
    return value && index < value->count ? value->items[index] : NULL;
}

const char *imp_config_global_text(const struct imp_config *config, const char *option)
{
    return text_of(global_value(config, option));
}

bool imp_config_global_bool(const struct imp_config *config, const char *option)
{
    return number_of(global_value(config, option)) != 0;
}

int64_t imp_config_global_int(const struct imp_config *config, const char *option)
{
    return number_of(global_value(config, option));
}
