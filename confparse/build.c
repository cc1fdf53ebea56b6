/*
 * build: scopes out of stanzas.
 *
 * The stanzas of one container are sorted once by kind and name; those that agree are one scope, and its
 * options and stanzas are theirs in the order of the files. So the work grows with n log n, whatever the
 * order of the file.
 */
#include "confparse/build.h"

#include <stdio.h>
#include <stdlib.h>
#include "confparse/schema.h"
#include "confparse/value.h"

struct scope_class { /* what may stand in a scope */
    const char *kind;
    const struct conf_option *row;    /* of options.def, or NULL */
    const struct conf_module *module; /* whose scope it is, or NULL */
    bool unknown;                     /* nothing is known about the content: only its syntax is checked */
};

struct member { /* a stanza among its siblings */
    struct scope_class class;
    const struct ast_stanza *stanza;
    const char *key, *name;
    size_t order;
};

struct setting { /* an assignment among its siblings */
    struct conf_entry entry;
    size_t order;
};

struct sighting { /* of something that is warned of once a load */
    struct conf_span first;
    size_t times;
};

struct builder {
    struct conf_loader *loader;
    struct conf *conf;
    struct sighting *rows;    /* for each row of options.def */
    struct setting *settings; /* scratch of one scope */
    size_t setting_count, setting_capacity;
    struct {
        const char *name;
        struct sighting seen;
    } * missing; /* modules without a manifest */
    size_t missing_count, missing_capacity;
};

enum { SCOPES_MAX = 512 }; /* bytes of a list of scopes in a message */

#define complain(builder, span, ...)                                                                         \
    conf_report_at_span((builder)->loader->report, CONF_ERROR, span, __VA_ARGS__)

#define TEXT(text) (int)((text).size > 100 ? 100 : (text).size), (text).data

/* ---- what is there but not in effect
 * -------------------------------------------------------------------------- */

static void note_sighting(struct sighting *seen, struct conf_span span)
{
    if (seen->times++ == 0)
        seen->first = span;
}

static void note_row(struct builder *builder, const struct conf_option *row, struct conf_span span)
{
    if (row->support != CONF_HONOURED)
        note_sighting(&builder->rows[conf_schema_index(row)], span);
}

static void note_missing_module(struct builder *builder, const char *name, struct conf_span span)
{
    for (size_t i = 0; i < builder->missing_count; i++)
        if (builder->missing[i].name == name) {
            note_sighting(&builder->missing[i].seen, span);
            return;
        }
    if (builder->missing_count == builder->missing_capacity) {
        builder->missing_capacity = builder->missing_capacity ? 2 * builder->missing_capacity : 16;
        builder->missing = conf_resize(builder->missing, builder->missing_capacity, sizeof *builder->missing);
    }
    builder->missing[builder->missing_count].name = name;
    builder->missing[builder->missing_count++].seen = (struct sighting){span, 1};
}

static const char *elsewhere(const struct sighting *seen, char text[40])
{
    text[0] = '\0';
    if (seen->times > 1)
        snprintf(text, 40, " (and %zu more)", seen->times - 1);
    return text;
}

static void report_row(struct builder *builder, const struct conf_option *row, const struct sighting *seen)
{
    const char *what = row->type == CONF_SCOPE ? "stanza" : "option";
    bool refused = row->support == CONF_UNSUPPORTED && !builder->loader->options->lenient;
    char more[40];
    conf_report_at_span(builder->loader->report, refused ? CONF_ERROR : CONF_WARNING, seen->first,
                        row->support == CONF_UNSUPPORTED
                            ? "%s %s is not supported in this version: %s%s"
                            : "%s %s is read but has no effect in this version: %s%s",
                        what, row->name, row->note, elsewhere(seen, more));
}

static void report_sightings(struct builder *builder)
{
    char more[40];
    for (size_t i = 0; i < conf_option_count(); i++)
        if (builder->rows[i].times)
            report_row(builder, conf_option_at(i), &builder->rows[i]);
    for (size_t i = 0; i < builder->missing_count; i++)
        conf_report_at_span(builder->loader->report, CONF_WARNING, builder->missing[i].seen.first,
                            "module %s is not available here: its stanza is read but has no effect%s",
                            builder->missing[i].name, elsewhere(&builder->missing[i].seen, more));
}

/* ---- options
 * --------------------------------------------------------------------------------------------------- */

static const struct conf_option *find_module_option(const struct conf_module *module, struct conf_text name)
{
    for (size_t i = 0; module && i < module->schema.option_count; i++)
        if (conf_text_is(name, module->schema.options[i].name))
            return &module->schema.options[i];
    return NULL;
}

/* "a,b,c" as "a, b, c" */
static const char *list_scopes(const char *list, char text[SCOPES_MAX])
{
    size_t size = 0;
    for (; *list && size < SCOPES_MAX - 3; list++) {
        text[size++] = *list;
        if (*list == ',')
            text[size++] = ' ';
    }
    text[size] = '\0';
    return text;
}

static void complain_unknown_option(struct builder *builder, const struct scope_class *class,
                                    const struct ast_assignment *assignment)
{
    struct conf_text name = assignment->name;
    char scopes[SCOPES_MAX];
    const struct conf_option *row = conf_schema_option(name), *scope = conf_schema_scope(name);
    if (row) {
        complain(builder, assignment->span, "option %s cannot stand in the scope %s, only in: %s", row->name,
                 class->kind, list_scopes(row->scopes, scopes));
        return;
    }
    if (scope) {
        complain(builder, assignment->span, "%s is a stanza, not an option: %s%s { ... }", scope->name,
                 scope->name, strcmp(scope->choices, "named") == 0 ? " \"name\"" : "");
        return;
    }
    const char *best = conf_schema_nearest_option(name, class->kind);
    unsigned distance = 0;
    if (class->module) {
        best = NULL;
        for (size_t i = 0; i < class->module->schema.option_count; i++)
            conf_suggest(name, class->module->schema.options[i].name, &best, &distance);
    }
    complain(builder, assignment->span, "unknown option '%.*s'%s%s%s", TEXT(name),
             best ? "; did you mean '" : "", best ? best : "", best ? "'?" : "");
}

/* The row that describes an assignment in a scope of this class, or NULL after saying why there is none. */
static const struct conf_option *find_option(struct builder *builder, const struct scope_class *class,
                                             const struct ast_assignment *assignment)
{
    const struct conf_option *row = find_module_option(class->module, assignment->name);
    if (row)
        return row;
    row = conf_schema_option(assignment->name);
    if (row && conf_schema_allows(row, class->kind)) {
        note_row(builder, row, assignment->span);
        return row;
    }
    row = class->module ? conf_schema_module_option(assignment->name) : NULL;
    if (!row && !conf_report_full(builder->loader->report))
        complain_unknown_option(builder, class, assignment);
    return row;
}

static const char *keep_file_name(struct builder *builder, const struct conf_source *source)
{
    struct conf_source *mutable = (struct conf_source *)source;
    if (!source->kept_name)
        mutable->kept_name = conf_arena_text(&builder->conf->arena, source->name, strlen(source->name));
    return source->kept_name;
}

static struct conf_place keep_place(struct builder *builder, struct conf_span span)
{
    return (struct conf_place){keep_file_name(builder, span.source), span.line, span.column};
}

static const char *keep_lower(struct builder *builder, struct conf_text text)
{
    char *kept = conf_arena_text(&builder->conf->arena, text.data, text.size);
    for (char *c = kept; *c; c++)
        *c = conf_lower(*c);
    return kept;
}

static void add_setting(struct builder *builder, const struct scope_class *class,
                        const struct ast_assignment *assignment)
{
    struct setting setting = {.order = builder->setting_count};
    char problem[256];
    if (class->unknown) {
        setting.entry.name = keep_lower(builder, assignment->name);
        conf_value_copy(&builder->conf->arena, assignment->value, &setting.entry.value);
    } else {
        const struct conf_option *row = find_option(builder, class, assignment);
        if (!row)
            return;
        setting.entry.name = row->name;
        if (!conf_value_make(&builder->conf->arena, row, assignment->value, &setting.entry.value, problem,
                             sizeof problem)) {
            complain(builder, assignment->value->span, "%s: %s", row->name, problem);
            return;
        }
    }
    setting.entry.value.place = keep_place(builder, assignment->value->span);
    if (builder->setting_count == builder->setting_capacity) {
        builder->setting_capacity = builder->setting_capacity ? 2 * builder->setting_capacity : 64;
        builder->settings =
            conf_resize(builder->settings, builder->setting_capacity, sizeof *builder->settings);
    }
    builder->settings[builder->setting_count++] = setting;
}

static int compare_settings(const void *left, const void *right)
{
    const struct setting *a = left, *b = right;
    int order = strcmp(a->entry.name, b->entry.name);
    return order ? order : (a->order > b->order) - (a->order < b->order);
}

/* The options of a scope, from all of its stanzas; of those set twice the last. */
static void build_entries(struct builder *builder, struct conf_scope *scope, const struct member *members,
                          size_t count)
{
    builder->setting_count = 0;
    for (size_t i = 0; i < count; i++)
        for (const struct ast_assignment *at = members[i].stanza->assignments; at; at = at->next)
            add_setting(builder, &members[0].class, at);
    size_t settings = builder->setting_count;
    if (!settings)
        return;
    qsort(builder->settings, settings, sizeof *builder->settings, compare_settings);
    scope->entries = conf_arena_array(&builder->conf->arena, settings, sizeof *scope->entries);
    for (size_t i = 0; i < settings; i++)
        if (i + 1 == settings ||
            strcmp(builder->settings[i].entry.name, builder->settings[i + 1].entry.name) != 0)
            scope->entries[scope->entry_count++] = builder->settings[i].entry;
}

/* ---- stanzas
 * --------------------------------------------------------------------------------------------------- */

static const struct conf_module *find_module(const struct conf *conf, struct conf_text name)
{
    for (size_t i = 0; i < conf->module_count; i++)
        if (conf_text_is(name, conf->modules[i].schema.name))
            return &conf->modules[i];
    return NULL;
}

static void complain_unknown_stanza(struct builder *builder, const struct scope_class *parent,
                                    const struct ast_stanza *stanza)
{
    struct conf_text kind = stanza->kind;
    char scopes[SCOPES_MAX];
    const struct conf_option *scope = conf_schema_scope(kind), *option = conf_schema_option(kind);
    if (scope || conf_schema_momentum_module(kind) || find_module(builder->conf, kind)) {
        complain(builder, stanza->kind_span, "a stanza %.*s cannot stand in the scope %s, only in: %s",
                 TEXT(kind), parent->kind, list_scopes(scope ? scope->scopes : "global", scopes));
        return;
    }
    if (option) {
        complain(builder, stanza->kind_span, "%s is an option, not a stanza: write %s = value", option->name,
                 option->name);
        return;
    }
    const char *best = conf_schema_nearest_scope(kind, parent->kind);
    unsigned distance = 0;
    if (strcmp(parent->kind, "global") == 0)
        for (size_t i = 0; i < builder->conf->module_count; i++)
            conf_suggest(kind, builder->conf->modules[i].schema.name, &best, &distance);
    complain(builder, stanza->kind_span, "unknown stanza '%.*s'%s%s%s", TEXT(kind),
             best ? "; did you mean '" : "", best ? best : "", best ? "'?" : "");
}

/* What kind of scope a stanza is where it stands. False after saying that it is none. */
static bool classify(struct builder *builder, const struct scope_class *parent,
                     const struct ast_stanza *stanza, struct scope_class *class)
{
    *class = (struct scope_class){0};
    if (parent->unknown) {
        class->kind = keep_lower(builder, stanza->kind);
        class->unknown = true;
        return true;
    }
    bool global = strcmp(parent->kind, "global") == 0;
    const struct conf_option *row = conf_schema_scope(stanza->kind);
    class->module = global ? find_module(builder->conf, stanza->kind) : NULL;
    class->row = row && conf_schema_allows(row, parent->kind) ? row : NULL;
    if (class->module || class->row) {
        class->kind = class->module ? class->module->schema.name : class->row->name;
        if (class->row && !class->module)
            note_row(builder, class->row, stanza->kind_span);
        return true;
    }
    class->kind = global ? conf_schema_momentum_module(stanza->kind) : NULL;
    class->unknown = class->kind != NULL;
    if (class->kind)
        note_missing_module(builder, class->kind, stanza->kind_span);
    else if (!conf_report_full(builder->loader->report))
        complain_unknown_stanza(builder, parent, stanza);
    return class->kind != NULL;
}

/* Does the stanza have a name where it needs one, and none where it cannot? */
static bool check_naming(struct builder *builder, const struct scope_class *class,
                         const struct ast_stanza *stanza)
{
    const char *naming = class->module ? (class->module->schema.singleton ? "unnamed" : "optional")
                         : class->row  ? class->row->choices
                                       : "optional";
    if (strcmp(naming, "named") == 0 && stanza->name.size == 0) {
        complain(builder, stanza->kind_span, "a stanza %s needs a name: %s \"name\" { ... }", class->kind,
                 class->kind);
        return false;
    }
    if (strcmp(naming, "unnamed") == 0 && stanza->named) {
        complain(builder, stanza->name_span, "a stanza %s takes no name: there is only one", class->kind);
        return false;
    }
    return true;
}

/* The name of a scope as it was written and as it is compared. False when it cannot be such a name. */
static bool make_key(struct builder *builder, struct member *member)
{
    struct conf_text name = member->stanza->name;
    char block[CONF_KEY_MAX];
    member->name = conf_arena_text(&builder->conf->arena, name.data, name.size);
    member->key = member->name;
    if (strcmp(member->class.kind, "peer") == 0) {
        if (!conf_peer_key(member->name, block)) {
            complain(builder, member->stanza->name_span,
                     "a Peer is an address or a block, such as 10.0.0.0/8 or fd00::/8, not '%.*s'",
                     TEXT(name));
            return false;
        }
        member->key = conf_arena_text(&builder->conf->arena, block, strlen(block));
        return true;
    }
    if (!conf_schema_name_has_case(member->class.kind, name))
        for (size_t i = 0; i < name.size; i++)
            if (conf_lower(name.data[i]) != name.data[i]) {
                member->key = keep_lower(builder, name);
                break;
            }
    return true;
}

static int compare_members(const void *left, const void *right)
{
    const struct member *a = left, *b = right;
    int order = strcmp(a->class.kind, b->class.kind);
    if (!order)
        order = strcmp(a->key, b->key);
    return order ? order : (a->order > b->order) - (a->order < b->order);
}

static bool same_scope(const struct member *a, const struct member *b)
{
    return strcmp(a->class.kind, b->class.kind) == 0 && strcmp(a->key, b->key) == 0;
}

struct placed { /* a finished scope and when it first appeared */
    struct conf_scope *scope;
    size_t order;
};

static int compare_placed(const void *left, const void *right)
{
    const struct placed *a = left, *b = right;
    return (a->order > b->order) - (a->order < b->order);
}

static void index_scope(struct builder *builder, struct conf_scope *scope);
static void build_children(struct builder *builder, struct conf_scope *scope, const struct member *parents,
                           size_t count);

/* Compiles the name of a Domain or Host that is a regular expression. */
static void compile_name(struct builder *builder, struct conf_scope *scope, struct conf_span span)
{
    struct conf *conf = builder->conf;
    char problem[200];
    if ((strcmp(scope->kind, "domain") != 0 && strcmp(scope->kind, "host") != 0) ||
        !conf_name_is_pattern(scope->name))
        return;
    scope->pattern = conf_pattern_compile(scope->name, problem, sizeof problem);
    if (!scope->pattern) {
        complain(builder, span, "%s", problem);
        return;
    }
    if (conf->pattern_count == conf->pattern_capacity) {
        conf->pattern_capacity = conf->pattern_capacity ? 2 * conf->pattern_capacity : 16;
        conf->patterns = conf_resize(conf->patterns, conf->pattern_capacity, sizeof *conf->patterns);
    }
    conf->patterns[conf->pattern_count++] = scope->pattern;
}

/* One scope of `count` stanzas that agree in kind and name. */
static void build_scope(struct builder *builder, struct conf_scope *scope, const struct member *members,
                        size_t count)
{
    scope->kind = members[0].class.kind;
    scope->name = members[0].name;
    scope->key = members[0].key;
    scope->place = keep_place(builder, members[0].stanza->kind_span);
    scope->module = members[0].class.module;
    if (!members[0].class.unknown)
        compile_name(builder, scope, members[0].stanza->name_span);
    build_entries(builder, scope, members, count);
    build_children(builder, scope, members, count);
    index_scope(builder, scope);
}

static size_t collect_members(struct builder *builder, const struct member *parents, size_t count,
                              struct member *members)
{
    size_t filled = 0, order = 0;
    for (size_t i = 0; i < count; i++)
        for (const struct ast_stanza *stanza = parents[i].stanza->stanzas; stanza; stanza = stanza->next) {
            struct member member = {.stanza = stanza, .order = order++};
            if (classify(builder, &parents[0].class, stanza, &member.class) &&
                check_naming(builder, &member.class, stanza) && make_key(builder, &member))
                members[filled++] = member;
        }
    return filled;
}

static void link_children(struct conf_scope *scope, struct placed *placed)
{
    struct conf_scope **last = &scope->first;
    qsort(placed, scope->child_count, sizeof *placed, compare_placed);
    for (size_t i = 0; i < scope->child_count; i++) {
        *last = placed[i].scope;
        last = &placed[i].scope->next;
    }
}

static void build_children(struct builder *builder, struct conf_scope *scope, const struct member *parents,
                           size_t count)
{
    size_t stanzas = 0;
    for (size_t i = 0; i < count; i++)
        stanzas += parents[i].stanza->stanza_count;
    if (!stanzas)
        return;
    struct member *members = conf_resize(NULL, stanzas, sizeof *members);
    stanzas = collect_members(builder, parents, count, members);
    qsort(members, stanzas, sizeof *members, compare_members);

    struct placed *placed = conf_resize(NULL, stanzas, sizeof *placed);
    scope->sorted = conf_arena_array(&builder->conf->arena, stanzas, sizeof *scope->sorted);
    for (size_t i = 0, same; i < stanzas; i += same) {
        for (same = 1; i + same < stanzas && same_scope(&members[i], &members[i + same]); same++)
            ;
        struct conf_scope *child = conf_arena_alloc(&builder->conf->arena, sizeof *child);
        child->parent = scope;
        build_scope(builder, child, &members[i], same);
        scope->sorted[scope->child_count] = child;
        placed[scope->child_count++] = (struct placed){child, members[i].order};
    }
    link_children(scope, placed);
    free(placed);
    free(members);
}

/* ---- indexes
 * --------------------------------------------------------------------------------------------------- */

static int compare_peers(const void *left, const void *right)
{
    const struct conf_peer *a = left, *b = right;
    if (a->bits != b->bits)
        return a->bits > b->bits ? -1 : 1;
    return memcmp(a->address, b->address, sizeof a->address);
}

static void index_peer(struct conf_index *index, const struct conf_scope *scope)
{
    struct conf_peer *peer = &index->peers[index->peer_count++];
    conf_parse_cidr(scope->key, peer->address, &peer->bits); /* the key has no bits beyond the prefix */
    peer->scope = scope;
}

static bool is_peer(const struct conf_scope *scope)
{
    return strcmp(scope->kind, "peer") == 0;
}

static bool is_pattern(const struct conf_scope *scope)
{
    return scope->pattern && strcmp(scope->kind, "domain") == 0;
}

static void index_scope(struct builder *builder, struct conf_scope *scope)
{
    size_t peers = 0, patterns = 0;
    for (const struct conf_scope *child = scope->first; child; child = child->next) {
        peers += is_peer(child);
        patterns += is_pattern(child);
    }
    if (!peers && !patterns)
        return;
    struct conf_arena *arena = &builder->conf->arena;
    struct conf_index *index = conf_arena_alloc(arena, sizeof *index);
    index->peers = conf_arena_array(arena, peers, sizeof *index->peers);
    index->domains = conf_arena_array(arena, patterns, sizeof *index->domains);
    for (const struct conf_scope *child = scope->first; child; child = child->next) {
        if (is_peer(child))
            index_peer(index, child);
        else if (is_pattern(child))
            index->domains[index->domain_count++] = child;
    }
    if (index->peer_count)
        qsort(index->peers, index->peer_count, sizeof *index->peers, compare_peers);
    scope->index = index;
}

/* Every `kind` that stands in a `container` of the root, by name: which group it is in is asked for often. */
static void index_nested(struct conf *conf, const char *container, const char *kind,
                         struct conf_nested *nested)
{
    size_t count = 0;
    const struct conf_scope *group = NULL, *scope = NULL;
    while ((group = conf_scope_next(conf->root, container, group)))
        count += group->child_count;
    nested->scopes = conf_arena_array(&conf->arena, count, sizeof *nested->scopes);
    for (size_t order = 0; (group = conf_scope_next(conf->root, container, group)); order++)
        while ((scope = conf_scope_next(group, kind, scope)))
            nested->scopes[nested->count++] = (struct conf_grouped){scope, order};
    conf_nested_sort(nested);
}

/* ---- defaults and modules
 * ---------------------------------------------------------------------------------------- */

/* The values of the defaults of a table of options: a text "row = default" for each is parsed like a file. */
static struct conf_value *build_defaults(struct builder *builder,
                                         const struct conf_option *(*at)(const void *, size_t),
                                         const void *table, size_t count)
{
    struct conf_value *values = conf_arena_array(&builder->conf->arena, count, sizeof *values);
    char *text = NULL, problem[256];
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    if (!out)
        return values;
    for (size_t i = 0; i < count; i++) {
        values[i].type = CONF_SCOPE;
        if (at(table, i)->default_text)
            fprintf(out, "%zu = %s\n", i, at(table, i)->default_text);
    }
    fclose(out);

    struct conf_source *source = conf_source_from_text("(default)", text, size);
    struct ast_stanza *stanza = conf_ast_stanza(builder->loader);
    conf_report_take_source(builder->loader->report, source);
    conf_parse(builder->loader, source, stanza, 0);
    free(text);
    for (const struct ast_assignment *set = stanza->assignments; set; set = set->next) {
        size_t row = strtoul(set->name.data, NULL, 10);
        if (row >= count || values[row].type != CONF_SCOPE)
            continue;
        if (!conf_value_make(&builder->conf->arena, at(table, row), set->value, &values[row], problem,
                             sizeof problem))
            complain(builder, set->span, "the default of %s is wrong: %s", at(table, row)->name, problem);
        values[row].place = (struct conf_place){"(default)", 0, 0};
    }
    return values;
}

static const struct conf_option *row_at(const void *table, size_t index)
{
    (void)table;
    return conf_option_at(index);
}

static const struct conf_option *manifest_row_at(const void *table, size_t index)
{
    return (const struct conf_option *)table + index;
}

static const char *keep_text(struct conf *conf, const char *text)
{
    return text ? conf_arena_text(&conf->arena, text, strlen(text)) : NULL;
}

static void copy_module(struct builder *builder, const struct conf_module_schema *from,
                        struct conf_module *to)
{
    struct conf *conf = builder->conf;
    struct conf_option *options = conf_arena_array(&conf->arena, from->option_count, sizeof *options);
    for (size_t i = 0; i < from->option_count; i++) {
        options[i] = from->options[i];
        options[i].name = keep_lower(builder, conf_text_of(from->options[i].name));
        options[i].default_text = keep_text(conf, from->options[i].default_text);
        options[i].choices = keep_text(conf, from->options[i].choices);
        options[i].scopes = "";
        options[i].note = keep_text(conf, from->options[i].note);
    }
    to->schema = *from;
    to->schema.name = keep_lower(builder, conf_text_of(from->name));
    to->schema.options = options;
    to->defaults = build_defaults(builder, manifest_row_at, options, from->option_count);
}

void conf_build(struct conf_loader *loader, const struct ast_stanza *root, struct conf *conf)
{
    struct builder builder = {.loader = loader, .conf = conf};
    const struct conf_load_options *options = loader->options;
    builder.rows = conf_alloc(conf_option_count() * sizeof *builder.rows);
    conf->defaults = build_defaults(&builder, row_at, NULL, conf_option_count());
    conf->modules = conf_arena_array(&conf->arena, options->module_count, sizeof *conf->modules);
    for (; conf->module_count < options->module_count; conf->module_count++)
        copy_module(&builder, &options->modules[conf->module_count], &conf->modules[conf->module_count]);

    const struct member global = {.class.kind = "global", .stanza = root, .name = "", .key = ""};
    conf->root = conf_arena_alloc(&conf->arena, sizeof *conf->root);
    build_scope(&builder, conf->root, &global, 1);
    index_nested(conf, "binding_group", "binding", &conf->grouped_bindings);
    index_nested(conf, "pathway_group", "pathway", &conf->grouped_pathways);
    report_sightings(&builder);
    free(builder.rows);
    free(builder.settings);
    free(builder.missing);
}
