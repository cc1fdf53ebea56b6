/*
 * defaults: the values of the defaults in options.def and in the modules' manifests.
 *
 * They are written as a file would write them, so they are parsed as one: a text "row = default" for each row
 * of a table.
 */
#include "confparse/defaults.h"

#include <stdio.h>
#include <stdlib.h>
#include "confparse/schema.h"
#include "confparse/value.h"

typedef const struct conf_option *row_fn(const void *table, size_t index);

static struct ast_stanza *parse_defaults(struct conf_loader *loader, row_fn *row_at, const void *table,
                                         size_t count)
{
    struct ast_stanza *stanza = conf_ast_stanza(loader);
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    if (!out)
        return stanza;
    for (size_t i = 0; i < count; i++)
        if (row_at(table, i)->default_text)
            fprintf(out, "%zu = %s\n", i, row_at(table, i)->default_text);
    fclose(out);
    struct conf_source *source = conf_source_create("(default)", conf_content_create(text, size));
    conf_report_take_source(loader->report, source);
    conf_parse(loader, source, stanza, 0);
    free(text);
    return stanza;
}

/* One value for each row; where there is no default, its type is CONF_SCOPE. */
static struct conf_value *make_defaults(struct conf_builder *builder, row_fn *row_at, const void *table,
                                        size_t count)
{
    const struct ast_stanza *stanza = parse_defaults(builder->loader, row_at, table, count);
    struct conf_value *values = conf_arena_array(&builder->conf->arena, count, sizeof *values);
    char problem[256];
    for (size_t i = 0; i < count; i++)
        values[i].type = CONF_SCOPE;
    for (const struct ast_assignment *set = stanza->assignments; set; set = set->next) {
        size_t row = strtoul(set->name.data, NULL, 10);
        if (row >= count)
            continue;
        if (!conf_value_make(&builder->conf->arena, row_at(table, row), set->value, &values[row], problem,
                             sizeof problem))
            CONF_COMPLAIN(builder, set->span, "the default of %s: %s", row_at(table, row)->name, problem);
        values[row].place = (struct conf_place){"(default)", 0, 0};
    }
    return values;
}

static const struct conf_option *core_row(const void *table, size_t index)
{
    (void)table;
    return conf_option_at(index);
}

static const struct conf_option *manifest_row(const void *table, size_t index)
{
    return (const struct conf_option *)table + index;
}

static const char *keep_text(struct conf *conf, const char *text)
{
    return text ? conf_arena_text(&conf->arena, text, strlen(text)) : NULL;
}

static void copy_module(struct conf_builder *builder, const struct conf_module_schema *from,
                        struct conf_module *to)
{
    struct conf *conf = builder->conf;
    struct conf_option *options = conf_arena_array(&conf->arena, from->option_count, sizeof *options);
    for (size_t i = 0; i < from->option_count; i++) {
        const struct conf_option *option = &from->options[i];
        options[i] = *option;
        options[i].name = conf_keep_lower(conf, conf_text_of(option->name));
        options[i].default_text = keep_text(conf, option->default_text);
        options[i].choices = keep_text(conf, option->choices);
        options[i].scopes = "";
        options[i].note = keep_text(conf, option->note);
        options[i].instead = keep_text(conf, option->instead);
    }
    to->schema.name = conf_keep_lower(conf, conf_text_of(from->name));
    to->schema.singleton = from->singleton;
    to->schema.listens = from->listens;
    to->schema.options = options;
    to->schema.option_count = from->option_count;
    to->defaults = make_defaults(builder, manifest_row, options, from->option_count);
}

void conf_build_defaults(struct conf_builder *builder)
{
    const struct conf_load_options *options = builder->loader->options;
    struct conf *conf = builder->conf;
    conf->defaults = make_defaults(builder, core_row, NULL, conf_option_count());
    conf->is_set = conf_arena_array(&conf->arena, conf_option_count(), sizeof *conf->is_set);
    conf->modules = conf_arena_array(&conf->arena, options->module_count, sizeof *conf->modules);
    for (size_t i = 0; i < options->module_count; i++)
        copy_module(builder, &options->modules[i], &conf->modules[conf->module_count++]);
}
