/*
 * conf: loading a generation, and reading its scopes and values.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "confparse/build.h"
#include "confparse/schema.h"

/* ---- loading ------------------------------------------------------------------------------------------- */

static atomic_uint generations; /* handed out so far in this process */

static void free_conf(struct conf *conf)
{
    for (size_t i = 0; i < conf->pattern_count; i++)
        conf_pattern_free(conf->patterns[i]);
    free(conf->patterns);
    conf_arena_free(&conf->arena);
    free(conf);
}

static const struct conf_load_options no_options;

static struct conf_loader make_loader(const struct conf_load_options *options)
{
    return (struct conf_loader){
        .options = options ? options : &no_options, .report = conf_report_create(), .include = conf_include};
}

/* Parses and builds from an opened source; NULL: it could not be read, which the report says already. */
static struct conf *load(struct conf_loader *loader, const struct conf_source *source)
{
    struct conf *conf = NULL;
    if (source) {
        struct ast_stanza *root = conf_ast_stanza(loader);
        conf = conf_alloc(sizeof *conf);
        atomic_init(&conf->references, 1);
        root->kind_span = (struct conf_span){source, 1, 1, 1};
        conf_parse(loader, source, root, 0);
        conf_include_local_changes(loader, root);
        conf_build(loader, root, conf);
        if (loader->options->check)
            loader->options->check(conf, loader->report, loader->options->check_argument);
    }
    conf_report_sort(loader->report);
    conf_arena_free(&loader->arena);
    if (conf && conf_report_errors(loader->report)) {
        free_conf(conf);
        return NULL;
    }
    if (conf)
        conf->generation = atomic_fetch_add(&generations, 1) + 1;
    return conf;
}

struct conf *conf_load(const char *path, const struct conf_load_options *options, struct conf_report **report)
{
    struct conf_loader loader = make_loader(options);
    const struct conf_source *source = conf_open_source(&loader, path, NULL);
    *report = loader.report;
    if (!source)
        conf_report_add(loader.report, CONF_ERROR, (struct conf_place){path, 0, 0}, "cannot read: %s",
                        strerror(errno));
    return load(&loader, source);
}

struct conf *conf_load_text(const char *name, const char *text, size_t size,
                            const struct conf_load_options *options, struct conf_report **report)
{
    struct conf_loader loader = make_loader(options);
    struct conf_source *source = NULL;
    *report = loader.report;
    if (size > CONF_SOURCE_MAX) {
        conf_report_add(loader.report, CONF_ERROR, (struct conf_place){name, 0, 0}, "cannot read: %s",
                        strerror(EFBIG));
    } else {
        source = conf_source_from_text(name, text, size);
        conf_report_take_source(loader.report, source);
    }
    return load(&loader, source);
}

struct conf *conf_ref(struct conf *conf)
{
    atomic_fetch_add_explicit(&conf->references, 1, memory_order_relaxed);
    return conf;
}

void conf_unref(struct conf *conf)
{
    if (conf && atomic_fetch_sub_explicit(&conf->references, 1, memory_order_acq_rel) == 1)
        free_conf(conf);
}

unsigned conf_generation(const struct conf *conf)
{
    return conf->generation;
}

/* ---- scopes -------------------------------------------------------------------------------------------- */

const struct conf_scope *conf_root(const struct conf *conf)
{
    return conf->root;
}

const char *conf_scope_kind(const struct conf_scope *scope)
{
    return scope->kind;
}

const char *conf_scope_name(const struct conf_scope *scope)
{
    return scope->name;
}

struct conf_place conf_scope_place(const struct conf_scope *scope)
{
    return scope->place;
}

const struct conf_scope *conf_scope_parent(const struct conf_scope *scope)
{
    return scope->parent;
}

const struct conf_scope *conf_scope_next(const struct conf_scope *parent, const char *kind,
                                         const struct conf_scope *after)
{
    const struct conf_scope *scope = after ? after->next : parent->first;
    while (scope && kind && !conf_text_is(conf_text_of(scope->kind), kind))
        scope = scope->next;
    return scope;
}

const struct conf_scope *conf_scope_find(const struct conf_scope *parent, const char *kind, const char *name)
{
    struct conf_text wanted_kind = conf_text_of(kind), wanted = conf_text_of(name);
    size_t low = 0, high = parent->child_count;
    char block[CONF_KEY_MAX];
    if (conf_text_is(wanted_kind, "peer")) {
        if (!conf_peer_key(name, block))
            return NULL;
        wanted = conf_text_of(block);
    }
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        const struct conf_scope *scope = parent->sorted[middle];
        int order = conf_text_compare_nocase(wanted_kind, conf_text_of(scope->kind));
        if (!order && conf_schema_name_has_case(scope->kind, wanted))
            order = conf_text_compare(wanted, conf_text_of(scope->key));
        else if (!order)
            order = conf_text_compare_nocase(wanted, conf_text_of(scope->key));
        if (!order)
            return scope;
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return NULL;
}

/* ---- values -------------------------------------------------------------------------------------------- */

const struct conf_value *conf_scope_value(const struct conf_scope *scope, const char *option)
{
    struct conf_text wanted = conf_text_of(option);
    size_t low = 0, high = scope->entry_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        const struct conf_entry *entry = &scope->entries[middle];
        int order = conf_text_compare_nocase(wanted, conf_text_of(entry->name));
        if (!order)
            return &entry->value;
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return NULL;
}

const struct conf_value *conf_default_value(const struct conf *conf, const char *option)
{
    const struct conf_option *row = conf_schema_option(conf_text_of(option));
    const struct conf_value *value = row ? &conf->defaults[conf_schema_index(row)] : NULL;
    return value && value->type != CONF_SCOPE ? value : NULL;
}

static const struct conf_value *module_default(const struct conf *conf, const struct conf_module *module,
                                               struct conf_text option)
{
    for (size_t i = 0; module && i < module->schema.option_count; i++)
        if (conf_text_is(option, module->schema.options[i].name))
            return module->defaults[i].type != CONF_SCOPE ? &module->defaults[i] : NULL;
    return conf_schema_module_option(option) ? conf_default_value(conf, option.data) : NULL;
}

const struct conf_value *conf_module_value(const struct conf *conf, const struct conf_scope *scope,
                                           const char *option)
{
    const struct conf_value *value = conf_scope_value(scope, option);
    return value ? value : module_default(conf, scope->module, conf_text_of(option));
}

const struct conf_value *conf_module_default(const struct conf *conf, const char *module, const char *option)
{
    for (size_t i = 0; i < conf->module_count; i++)
        if (conf_text_is(conf_text_of(module), conf->modules[i].schema.name))
            return module_default(conf, &conf->modules[i], conf_text_of(option));
    return NULL;
}
