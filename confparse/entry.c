/* entry: the options of one scope. */
#include "confparse/entry.h"

#include <stdio.h>
#include <stdlib.h>
#include "confparse/documented.h"
#include "confparse/schema.h"
#include "confparse/value.h"

struct conf_setting {
    struct conf_entry entry;
    size_t order;
};

static const char *nearest_option(const struct conf *conf, const struct conf_class *class,
                                  struct conf_text name)
{
    struct conf_suggestion best = {NULL, 0};
    if (class->row || !class->module)
        conf_schema_suggest_option(&best, name, class->kind);
    for (size_t i = 0; class->module && i < class->module->schema.option_count; i++) {
        const struct conf_option *row = &class->module->schema.options[i];
        if (row->type != CONF_SCOPE && strcmp(row->scopes, class->path) == 0)
            conf_suggest(&best, name, row->name);
    }
    if (!class->module)
        conf_added_suggest(&best, conf, name, class->kind);
    if (!best.name)
        conf_schema_suggest_option(&best, name, NULL); /* then its place will be wrong, too */
    return best.name;
}

/* The options of a module that is here, in text[]. */
static const char *list_options(const struct conf_module *module, char text[CONF_SCOPES_MAX])
{
    size_t used = 0;
    text[0] = '\0';
    for (size_t i = 0; i < module->schema.option_count && used < CONF_SCOPES_MAX; i++)
        if (!*module->schema.options[i].scopes && module->schema.options[i].type != CONF_SCOPE)
            used += (size_t)snprintf(text + used, CONF_SCOPES_MAX - used, "%s%s", used ? ", " : "",
                                     module->schema.options[i].name);
    return text;
}

/* Momentum's module of the same name may have options that the one that is here has not. False: not this one.
 */
static bool complain_of_momentums(struct conf_builder *builder, const struct conf_class *class,
                                  const struct ast_assignment *assignment)
{
    bool own_stanza = class->module && !*class->path;
    const struct conf_documented *momentums = own_stanza ? conf_documented_find(class->kind) : NULL;
    char options[CONF_SCOPES_MAX];
    if (!momentums || !conf_documented_option(momentums, "", assignment->name))
        return false;
    conf_report_at_span(
        builder->loader->report, builder->loader->options->lenient ? CONF_WARNING : CONF_ERROR,
        assignment->span,
        "option %.*s of Momentum's module %s is not supported in this version: the module here has %s",
        CONF_TEXT(assignment->name), class->kind, list_options(class->module, options));
    return true;
}

static void complain_unknown(struct conf_builder *builder, const struct conf_class *class,
                             const struct ast_assignment *assignment)
{
    struct conf_text name = assignment->name;
    const struct conf_option *row = conf_schema_option(name), *scope = conf_schema_scope(name);
    char scopes[CONF_SCOPES_MAX];
    if (complain_of_momentums(builder, class, assignment))
        return;
    if (row) {
        CONF_COMPLAIN(builder, assignment->span, "option %s cannot stand in the scope %s, only in: %s%s",
                      row->name, class->kind, conf_list_scopes(row->scopes, scopes),
                      conf_schema_module_option(name) ? ", and in the stanza of a module" : "");
        return;
    }
    const struct conf_added *added = conf_added_find(builder->conf, name);
    if (added) {
        CONF_COMPLAIN(builder, assignment->span,
                      "option %s of module %s cannot stand in the scope %s, only in: %s", added->row->name,
                      added->module->schema.name, class->kind, conf_list_scopes(added->row->scopes, scopes));
        return;
    }
    if (scope) {
        CONF_COMPLAIN(builder, assignment->span, "%s is a stanza, not an option: %s%s { ... }", scope->name,
                      scope->name, strcmp(scope->choices, "named") == 0 ? " \"name\"" : "");
        return;
    }
    const char *best = nearest_option(builder->conf, class, name);
    CONF_COMPLAIN(builder, assignment->span, "unknown option '%.*s'%s%s%s", CONF_TEXT(name),
                  best ? "; did you mean '" : "", best ? best : "", best ? "'?" : "");
}

/* Of a module that is not here: its version may have options that the manual does not describe. */
static void warn_undocumented(struct conf_builder *builder, const struct conf_class *class,
                              const struct ast_assignment *assignment)
{
    const char *best = conf_documented_nearest(class->documented, class->path, false, assignment->name);
    CONF_WARN(builder, assignment->span, "module %s has no option '%.*s' here in Momentum's manual%s%s%s",
              class->documented->name, CONF_TEXT(assignment->name), best ? "; did you mean '" : "",
              best ? best : "", best ? "'?" : "");
}

/* Where a value is wrong: the first item of a list that would be wrong alone, else the value as a whole. */
static struct conf_span wrong_part(struct conf *conf, const struct conf_option *row,
                                   const struct ast_value *value)
{
    bool list = row->type == CONF_LIST || row->type == CONF_CIDR_LIST;
    const struct ast_value *item = list && value->shape == AST_LIST ? value->first : NULL;
    struct conf_value ignored;
    char problem[256];
    while (item && (item->shape != AST_SCALAR ||
                    conf_value_make(&conf->arena, row, item, &ignored, problem, sizeof problem)))
        item = item->next;
    return item ? item->span : value->span;
}

/* A module's option may have no effect, too. Of a module that is not here, none has: that is said of the
 * module, and of an option only when it is the dangerous one. */
static void notice_module_option(struct conf_builder *builder, const struct conf_class *class,
                                 const struct conf_option *row, const struct conf_value *value,
                                 struct conf_span span)
{
    const struct conf_added *added =
        class->module ? NULL : conf_added_find(builder->conf, conf_text_of(row->name));
    if (class->module) /* enabled and debug_level are the core's rows, and honoured */
        conf_effects_module_option(
            builder->effects, class->module->schema.name, row, value,
            row == conf_module_option(class->module, class->path, conf_text_of(row->name))
                ? conf_module_default_of(class->module, row)
                : NULL,
            span);
    else if (added && added->row == row && !class->idle)
        conf_effects_module_option(builder->effects, added->module->schema.name, row, value,
                                   conf_default_value(builder->conf, row->name), span);
    else if (class->documented && class->documented->support != CONF_UNSUPPORTED &&
             row->support == CONF_UNSUPPORTED)
        conf_effects_module_option(builder->effects, class->documented->name, row, value, NULL, span);
}

/* Makes the entry of an assignment. False when it is wrong, which has then been reported. */
static bool make_entry(struct conf_builder *builder, const struct conf_class *class,
                       const struct conf_scope *scope, const struct ast_assignment *assignment,
                       struct conf_entry *entry)
{
    struct conf *conf = builder->conf;
    char problem[256];
    const struct conf_option *row = class->unknown ? NULL : conf_scope_row(scope, assignment->name);
    if (class->documented && !row && !conf_report_full(builder->loader->report))
        warn_undocumented(builder, class, assignment);
    if (class->unknown || (class->documented && !row)) {
        entry->name = conf_keep_lower(conf, assignment->name);
        conf_value_copy(&conf->arena, assignment->value, &entry->value);
        return true;
    }
    if (!row) {
        if (!conf_report_full(builder->loader->report))
            complain_unknown(builder, class, assignment);
        return false;
    }
    entry->name = row->name;
    if (!conf_value_make(&conf->arena, row, assignment->value, &entry->value, problem, sizeof problem)) {
        CONF_COMPLAIN(builder, wrong_part(conf, row, assignment->value), "%s: %s", row->name, problem);
        return false;
    }
    bool core = conf_schema_option(assignment->name) == row;
    struct conf_added *added = core ? NULL : conf_added_find(conf, assignment->name);
    if (core)
        conf->is_set[conf_schema_index(row)] = true;
    else if (added && added->row == row)
        added->is_set = true;
    if (!class->idle && core)
        conf_effects_option(builder->effects, row, scope, &entry->value, conf_default_of(conf, row),
                            assignment->span);
    else
        notice_module_option(builder, class, row, &entry->value, assignment->span);
    return true;
}

static void add_setting(struct conf_builder *builder, const struct conf_class *class,
                        const struct conf_scope *scope, const struct ast_assignment *assignment)
{
    struct conf_setting setting = {.order = builder->setting_count};
    if (!make_entry(builder, class, scope, assignment, &setting.entry))
        return;
    setting.entry.value.place = conf_keep_place(builder->conf, assignment->value->span);
    if (builder->setting_count == builder->setting_capacity) {
        builder->setting_capacity = builder->setting_capacity ? 2 * builder->setting_capacity : 64;
        builder->settings =
            conf_resize(builder->settings, builder->setting_capacity, sizeof *builder->settings);
    }
    builder->settings[builder->setting_count++] = setting;
}

static int compare_settings(const void *left, const void *right)
{
    const struct conf_setting *a = left, *b = right;
    int order = strcmp(a->entry.name, b->entry.name);
    return order ? order : (a->order > b->order) - (a->order < b->order);
}

void conf_build_entries(struct conf_builder *builder, struct conf_scope *scope,
                        const struct conf_member *members, size_t count)
{
    builder->setting_count = 0;
    for (size_t i = 0; i < count; i++)
        for (const struct ast_assignment *at = members[i].stanza->assignments; at; at = at->next)
            add_setting(builder, &members[0].class, scope, at);

    struct conf_setting *settings = builder->settings;
    size_t setting_count = builder->setting_count;
    if (!setting_count)
        return;
    qsort(settings, setting_count, sizeof *settings, compare_settings);
    scope->entries = conf_arena_array(&builder->conf->arena, setting_count, sizeof *scope->entries);
    for (size_t i = 0; i < setting_count; i++)
        if (i + 1 == setting_count || strcmp(settings[i].entry.name, settings[i + 1].entry.name) != 0)
            scope->entries[scope->entry_count++] = settings[i].entry;
}
