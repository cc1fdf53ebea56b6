/* added: see added.h. */
#include "confparse/added.h"

#include "confparse/schema.h"
#include "confparse/scope.h"

const struct conf_module *conf_module_find(const struct conf *conf, struct conf_text name)
{
    for (size_t i = 0; i < conf->module_count; i++)
        if (conf_text_is(name, conf->modules[i].schema.name))
            return &conf->modules[i];
    return NULL;
}

static const struct conf_option *find_row(const struct conf_module *module, const char *path,
                                          struct conf_text name, bool stanza)
{
    for (size_t i = 0; module && i < module->schema.option_count; i++) {
        const struct conf_option *row = &module->schema.options[i];
        if ((row->type == CONF_SCOPE) == stanza && conf_text_is(name, row->name) &&
            strcmp(row->scopes, path) == 0)
            return row;
    }
    return NULL;
}

const struct conf_option *conf_module_option(const struct conf_module *module, const char *path,
                                             struct conf_text name)
{
    return find_row(module, path, name, false);
}

const struct conf_option *conf_module_stanza(const struct conf_module *module, const char *path,
                                             struct conf_text kind)
{
    return find_row(module, path, kind, true);
}

bool conf_module_listens(const struct conf_module *module, const struct conf_option *row)
{
    return module && module->schema.listens && strcmp(row->name, "listen") == 0;
}

const struct conf_value *conf_module_default_of(const struct conf_module *module,
                                                const struct conf_option *row)
{
    const struct conf_value *value = &module->defaults[row - module->schema.options];
    return value->type != CONF_SCOPE ? value : NULL;
}

struct conf_added *conf_added_find(const struct conf *conf, struct conf_text name)
{
    size_t low = 0, high = conf->added_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = conf_text_compare_nocase(name, conf_text_of(conf->added[middle].row->name));
        if (!order)
            return &conf->added[middle];
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return NULL;
}

void conf_added_suggest(struct conf_suggestion *best, const struct conf *conf, struct conf_text name,
                        const char *kind)
{
    for (size_t i = 0; i < conf->added_count; i++)
        if (conf_schema_allows(conf->added[i].row, kind))
            conf_suggest(best, name, conf->added[i].row->name);
}

const struct conf_option *conf_option_row(const struct conf *conf, const char *option)
{
    const struct conf_option *row = conf_schema_option(conf_text_of(option));
    const struct conf_added *added = row ? NULL : conf_added_find(conf, conf_text_of(option));
    return added ? added->row : row;
}

const char *conf_option_module(const struct conf *conf, const char *option)
{
    const struct conf_added *added = conf_added_find(conf, conf_text_of(option));
    return added && !conf_schema_option(conf_text_of(option)) ? added->module->schema.name : NULL;
}
