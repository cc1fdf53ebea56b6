/*
 * defaults: the values of the defaults in options.def and in the modules' manifests.
 *
 * They are written as a file would write them, so they are parsed as one: a text "row = default" for each row
 * of a table.
 */
#include "confparse/defaults.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
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

static void refuse_include(struct conf_loader *loader, const struct ast_inclusion *inclusion, unsigned depth)
{
    (void)depth;
    conf_report_at_span(loader->report, CONF_ERROR, inclusion->span, "a default includes no file");
}

bool conf_default_check(const struct conf_option *row, char *problem, size_t problem_size)
{
    static const struct conf_load_options no_options;
    struct conf_loader loader = {
        .options = &no_options, .report = conf_report_create(), .include = refuse_include};
    struct conf_value value = {0};
    const struct ast_stanza *stanza = parse_defaults(&loader, manifest_row, row, 1);
    const struct ast_assignment *set = stanza->assignments;
    bool fine = false;
    if (conf_report_errors(loader.report))
        snprintf(problem, problem_size, "%s", conf_report_at(loader.report, 0)->message);
    else if (!row->default_text)
        fine = true;
    else if (!set || set->next || stanza->stanzas)
        snprintf(problem, problem_size, "expected one value");
    else
        fine = conf_value_make(&loader.arena, row, set->value, &value, problem, problem_size);
    conf_report_free(loader.report);
    conf_arena_free(&loader.arena);
    return fine;
}

static const char *keep_text(struct conf *conf, const char *text)
{
    return text ? conf_arena_text(&conf->arena, text, strlen(text)) : NULL;
}

static const struct conf_option *copy_rows(struct conf *conf, const struct conf_option *from, size_t count)
{
    struct conf_option *rows = conf_arena_array(&conf->arena, count, sizeof *rows);
    for (size_t i = 0; i < count; i++) {
        rows[i] = from[i];
        rows[i].name = conf_keep_lower(conf, conf_text_of(from[i].name));
        rows[i].default_text = keep_text(conf, from[i].default_text);
        rows[i].choices = keep_text(conf, from[i].choices);
        rows[i].scopes = from[i].scopes ? keep_text(conf, from[i].scopes) : "";
        rows[i].note = keep_text(conf, from[i].note);
        rows[i].instead = keep_text(conf, from[i].instead);
    }
    return rows;
}

static void copy_module(struct conf_builder *builder, const struct conf_module_schema *from,
                        struct conf_module *to)
{
    struct conf *conf = builder->conf;
    to->schema = *from;
    to->schema.name = conf_keep_lower(conf, conf_text_of(from->name));
    to->schema.options = copy_rows(conf, from->options, from->option_count);
    to->schema.added = copy_rows(conf, from->added, from->added_count);
    to->defaults = make_defaults(builder, manifest_row, to->schema.options, from->option_count);
}

static int compare_added(const void *left, const void *right)
{
    const struct conf_added *a = left, *b = right;
    return strcmp(a->row->name, b->row->name);
}

/* What all modules add to the core's scopes, so that one search finds it. */
static void gather_added(struct conf_builder *builder)
{
    struct conf *conf = builder->conf;
    size_t count = 0;
    for (size_t i = 0; i < conf->module_count; i++)
        count += conf->modules[i].schema.added_count;
    conf->added = conf_arena_array(&conf->arena, count, sizeof *conf->added);
    for (size_t i = 0; i < conf->module_count; i++) {
        const struct conf_module_schema *schema = &conf->modules[i].schema;
        struct conf_value *defaults =
            make_defaults(builder, manifest_row, schema->added, schema->added_count);
        for (size_t j = 0; j < schema->added_count; j++)
            conf->added[conf->added_count++] = (struct conf_added){
                .row = &schema->added[j], .module = &conf->modules[i], .fallback = defaults[j]};
    }
    if (count)
        qsort(conf->added, count, sizeof *conf->added, compare_added);
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
    gather_added(builder);
}
