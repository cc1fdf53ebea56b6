/*
 * build: scopes out of stanzas.
 *
 * The stanzas of one container are sorted once by kind and name; those that agree are one scope, and its
 * options and stanzas are theirs in the order of the files. So the work grows with n log n, whatever the
 * order of the file.
 */
#include "confparse/build.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "confparse/address.h"
#include "confparse/builder.h"
#include "confparse/defaults.h"
#include "confparse/documented.h"
#include "confparse/entry.h"
#include "confparse/index.h"
#include "confparse/name_index.h"
#include "confparse/schema.h"
#include "confparse/spelling.h"

/* ---- what a stanza is ---------------------------------------------------------------------------------- */

static bool is_global(const struct conf_class *class)
{
    return strcmp(class->kind, "global") == 0;
}

static const char *nearest_stanza(const struct conf *conf, const struct conf_class *parent,
                                  struct conf_text kind)
{
    struct conf_suggestion best = {NULL, 0};
    conf_schema_suggest_stanza(&best, kind, parent->kind);
    for (size_t i = 0; is_global(parent) && i < conf->module_count; i++)
        conf_suggest(&best, kind, conf->modules[i].schema.name);
    for (size_t i = 0; parent->module && i < parent->module->schema.option_count; i++)
        if (conf_module_stanza(parent->module, parent->path,
                               conf_text_of(parent->module->schema.options[i].name)))
            conf_suggest(&best, kind, parent->module->schema.options[i].name);
    return best.name;
}

static void complain_unknown(struct conf_builder *builder, const struct conf_class *parent,
                             const struct ast_stanza *stanza)
{
    struct conf_text kind = stanza->kind;
    const struct conf_option *scope = conf_schema_scope(kind), *option = conf_schema_option(kind);
    char scopes[CONF_SCOPES_MAX];
    if (scope || conf_schema_momentum_module(kind) || conf_module_find(builder->conf, kind)) {
        CONF_COMPLAIN(builder, stanza->kind_span, "a stanza %.*s cannot stand in the scope %s, only in: %s",
                      CONF_TEXT(kind), parent->kind,
                      conf_list_scopes(scope ? scope->scopes : "global", scopes));
        return;
    }
    if (option) {
        CONF_COMPLAIN(builder, stanza->kind_span, "%s is an option, not a stanza: %s = value", option->name,
                      option->name);
        return;
    }
    const char *best = nearest_stanza(builder->conf, parent, kind);
    CONF_COMPLAIN(builder, stanza->kind_span, "unknown stanza '%.*s'%s%s%s", CONF_TEXT(kind),
                  best ? "; did you mean '" : "", best ? best : "", best ? "'?" : "");
}

/* Complains, and returns true, when the stanza is named like a shared object among the modules that has no
 * manifest. */
static bool complain_no_manifest(struct conf_builder *builder, const struct ast_stanza *stanza)
{
    const char *directory = builder->loader->options->module_directory;
    const char *names[] = {conf_arena_text(&builder->conf->arena, stanza->kind.data, stanza->kind.size),
                           conf_keep_lower(builder->conf, stanza->kind)};
    for (size_t i = 0; directory && i < sizeof names / sizeof *names; i++) {
        char object[PATH_MAX];
        int size = snprintf(object, sizeof object, "%s/%s.so", directory, names[i]);
        if (size >= (int)sizeof object || strchr(names[i], '/') || access(object, F_OK) != 0)
            continue;
        CONF_COMPLAIN(builder, stanza->kind_span,
                      "module '%s' has no manifest: %s is there, but not %s/%s.ecm", names[i], object,
                      directory, names[i]);
        return true;
    }
    return false;
}

static const char *join_path(struct conf *conf, const char *path, const char *kind)
{
    size_t size = strlen(path) + 1 + strlen(kind);
    char *joined = conf_arena_alloc(&conf->arena, size + 1);
    snprintf(joined, size + 1, "%s%s%s", path, *path ? "/" : "", kind);
    return joined;
}

/* A stanza in the stanza of a module with a manifest. False when the manifest knows none of that name there.
 */
static bool classify_nested(struct conf_builder *builder, const struct conf_class *parent,
                            const struct ast_stanza *stanza, struct conf_class *class)
{
    class->row = conf_module_stanza(parent->module, parent->path, stanza->kind);
    if (!class->row)
        return false;
    class->kind = class->row->name;
    class->module = parent->module;
    class->path = join_path(builder->conf, parent->path, class->kind);
    class->idle = parent->idle;
    return true;
}

/* Does the stanza only hold options that modules add to it? Then it has an effect, though the core has none for it. */
static bool is_for_modules(const struct conf *conf, const struct ast_stanza *stanza)
{
    const struct ast_assignment *assignment = stanza->assignments;
    while (assignment && conf_added_find(conf, assignment->name))
        assignment = assignment->next;
    return stanza->assignments && !assignment && !stanza->stanzas;
}

/* A stanza of options.def or of a module with a manifest. False when it is none that may stand here. */
static bool classify_known(struct conf_builder *builder, const struct conf_class *parent,
                           const struct ast_stanza *stanza, struct conf_class *class)
{
    const struct conf_option *row = conf_schema_scope(stanza->kind);
    class->module = is_global(parent) ? conf_module_find(builder->conf, stanza->kind) : NULL;
    class->row = row && (conf_schema_allows(row, parent->kind) || conf_module_listens(parent->module, row))
                     ? row
                     : NULL;
    if (!class->module && !class->row)
        return classify_nested(builder, parent, stanza, class);
    class->path = "";
    class->kind = class->module ? class->module->schema.name : class->row->name;
    class->idle = parent->idle;
    bool no_effect = !class->module && class->row->support > CONF_DIFFERENT;
    if (no_effect && is_for_modules(builder->conf, stanza))
        return true;
    class->idle = class->idle || no_effect;
    if (!class->module && !parent->idle)
        conf_effects_scope(builder->effects, class->row, stanza->kind_span);
    return true;
}

/* A stanza in the stanza of a module that is not here. One that the manual does not know is no error: it may
 * be of a version of the module that the manual does not describe. */
static void classify_documented(struct conf_builder *builder, const struct conf_class *parent,
                                const struct ast_stanza *stanza, struct conf_class *class)
{
    const struct conf_documented *module = parent->documented;
    class->idle = true;
    class->row = conf_documented_stanza(module, parent->path, stanza->kind);
    if (class->row) {
        class->kind = class->row->name;
        class->documented = module;
        class->path = join_path(builder->conf, parent->path, class->kind);
        return;
    }
    class->kind = conf_keep_lower(builder->conf, stanza->kind);
    class->unknown = true;
    if (conf_report_full(builder->loader->report))
        return;
    const char *best = conf_documented_nearest(module, parent->path, true, stanza->kind);
    CONF_WARN(builder, stanza->kind_span, "module %s has no stanza '%.*s' here in Momentum's manual%s%s%s",
              module->name, CONF_TEXT(stanza->kind), best ? "; did you mean '" : "", best ? best : "",
              best ? "'?" : "");
}

/* What a stanza is where it stands. False after saying that it is nothing. */
static bool classify(struct conf_builder *builder, const struct conf_class *parent,
                     const struct ast_stanza *stanza, struct conf_class *class)
{
    *class = (struct conf_class){.kind = NULL};
    if (parent->unknown) {
        class->kind = conf_keep_lower(builder->conf, stanza->kind);
        class->unknown = class->idle = true;
        return true;
    }
    if (parent->documented) {
        classify_documented(builder, parent, stanza, class);
        return true;
    }
    if (classify_known(builder, parent, stanza, class))
        return true;
    if (is_global(parent) && complain_no_manifest(builder, stanza))
        return false;
    class->documented = is_global(parent) ? conf_schema_momentum_module(stanza->kind) : NULL;
    if (!class->documented) {
        if (!conf_report_full(builder->loader->report))
            complain_unknown(builder, parent, stanza);
        return false;
    }
    class->kind = class->documented->name;
    class->path = "";
    class->idle = true;
    conf_effects_missing_module(builder->effects, class->documented, stanza->kind_span);
    return true;
}

/* ---- its name ------------------------------------------------------------------------------------------ */

/* Does the stanza have a name where it needs one, and none where it cannot? */
static bool check_naming(struct conf_builder *builder, const struct conf_class *class,
                         const struct ast_stanza *stanza)
{
    bool by_row = class->row && (!class->module || *class->path);
    const char *naming = by_row ? class->row->choices : "optional";
    if (strcmp(naming, "named") == 0 && stanza->name.size == 0) {
        CONF_COMPLAIN(builder, stanza->kind_span, "a stanza %s needs a name: %s \"name\" { ... }",
                      class->kind, class->kind);
        return false;
    }
    if (strcmp(naming, "unnamed") == 0 && stanza->named) {
        CONF_COMPLAIN(builder, stanza->name_span, "a stanza %s takes no name: there is only one",
                      class->kind);
        return false;
    }
    return true;
}

static bool has_upper(struct conf_text text)
{
    for (size_t i = 0; i < text.size; i++)
        if (conf_lower(text.data[i]) != text.data[i])
            return true;
    return false;
}

/* A module that is there once may have a name in front of its content, which then means nothing. */
static bool is_singleton(const struct conf_class *class)
{
    return class->module && class->module->schema.singleton && !*class->path;
}

/* The name of a scope as it was written and as it is compared. False when it cannot be such a name. */
static bool make_key(struct conf_builder *builder, struct conf_member *member)
{
    struct conf_text name = member->stanza->name;
    struct conf_arena *arena = &builder->conf->arena;
    char block[CONF_KEY_MAX], spelled[CONF_SPELLING_MAX];
    member->name = is_singleton(&member->class) ? "" : conf_arena_text(arena, name.data, name.size);
    member->key = member->name;
    const char *problem =
        strcmp(member->class.kind, "listen") == 0 ? conf_endpoint_problem(member->name) : NULL;
    if (problem && !member->class.unknown) {
        CONF_COMPLAIN(builder, member->stanza->name_span, "%s, not '%.*s'", problem, CONF_TEXT(name));
        return false;
    }
    if (conf_kind_is_block(conf_text_of(member->class.kind))) {
        if (!conf_block_key(member->name, block)) {
            CONF_COMPLAIN(builder, member->stanza->name_span,
                          "a %s is an address or a block, such as 10.0.0.0/8 or fd00::/8, not '%.*s'",
                          conf_spell_kind(member->class.kind, spelled), CONF_TEXT(name));
            return false;
        }
        member->key = conf_arena_text(arena, block, strlen(block));
    } else if (!conf_schema_name_has_case(member->class.kind, name) && has_upper(conf_text_of(member->key))) {
        member->key = conf_keep_lower(builder->conf, name);
    }
    return true;
}

/* ---- the tree ------------------------------------------------------------------------------------------ */

struct placed { /* a finished scope and when it first appeared */
    struct conf_scope *scope;
    size_t order;
};

/* Most kinds are the schema's own texts, so those that are equal are the same. */
static int compare_kinds(const char *a, const char *b)
{
    return a == b ? 0 : strcmp(a, b);
}

static int compare_members(const void *left, const void *right)
{
    const struct conf_member *a = left, *b = right;
    int order = compare_kinds(a->class.kind, b->class.kind);
    if (!order)
        order = strcmp(a->key, b->key);
    return order ? order : (a->order > b->order) - (a->order < b->order);
}

static bool same_scope(const struct conf_member *a, const struct conf_member *b)
{
    return compare_kinds(a->class.kind, b->class.kind) == 0 && strcmp(a->key, b->key) == 0;
}

static int compare_placed(const void *left, const void *right)
{
    const struct placed *a = left, *b = right;
    return (a->order > b->order) - (a->order < b->order);
}

static size_t collect_members(struct conf_builder *builder, const struct conf_member *parents, size_t count,
                              struct conf_member *members)
{
    size_t filled = 0, order = 0;
    for (size_t i = 0; i < count; i++)
        for (const struct ast_stanza *stanza = parents[i].stanza->stanzas; stanza; stanza = stanza->next) {
            struct conf_member member = {.stanza = stanza, .order = order++};
            if (classify(builder, &parents[0].class, stanza, &member.class) &&
                check_naming(builder, &member.class, stanza) && make_key(builder, &member))
                members[filled++] = member;
        }
    return filled;
}

/* Chains the children up in order of first appearance, all of them and those of each kind. */
static void link_children(struct conf *conf, struct conf_scope *scope, struct placed *placed)
{
    struct conf_scope **last = &scope->first;
    size_t count = scope->child_count, kinds = 0;
    for (size_t i = 0; i < count; i++)
        kinds += i == 0 || compare_kinds(scope->sorted[i - 1]->kind, scope->sorted[i]->kind) != 0;
    scope->kinds = conf_arena_array(&conf->arena, kinds, sizeof *scope->kinds);
    for (size_t begin = 0, end; begin < count; begin = end) { /* until here they are sorted by kind */
        const char *kind = placed[begin].scope->kind;
        for (end = begin + 1; end < count && compare_kinds(placed[end].scope->kind, kind) == 0; end++)
            ;
        qsort(&placed[begin], end - begin, sizeof *placed, compare_placed);
        scope->kinds[scope->kind_count++] = (struct conf_kind){kind, placed[begin].scope};
        for (size_t i = begin + 1; i < end; i++)
            placed[i - 1].scope->next_of_kind = placed[i].scope;
    }
    if (kinds > 1)
        qsort(placed, count, sizeof *placed, compare_placed);
    for (size_t i = 0; i < count; i++) {
        *last = placed[i].scope;
        last = &placed[i].scope->next;
    }
}

static void build_scope(struct conf_builder *builder, struct conf_scope *scope,
                        const struct conf_member *members, size_t count);

/* The children of a scope that `count` stanzas make up. */
static void build_children(struct conf_builder *builder, struct conf_scope *scope,
                           const struct conf_member *parents, size_t count)
{
    size_t stanzas = 0;
    for (size_t i = 0; i < count; i++)
        stanzas += parents[i].stanza->stanza_count;
    if (!stanzas)
        return;
    struct conf_member *members = conf_resize(NULL, stanzas, sizeof *members);
    struct placed *placed = conf_resize(NULL, stanzas, sizeof *placed);
    stanzas = collect_members(builder, parents, count, members);
    qsort(members, stanzas, sizeof *members, compare_members);

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
    link_children(builder->conf, scope, placed);
    if (scope->child_count >= CONF_NAME_INDEX_FROM)
        conf_name_index_build(&builder->conf->arena, scope);
    free(placed);
    free(members);
}

/* The stanzas of one singleton may not look as if they were several. */
static void check_singleton(struct conf_builder *builder, const struct conf_member *members, size_t count)
{
    const struct ast_stanza *first = NULL;
    for (size_t i = 0; is_singleton(&members[0].class) && i < count; i++) {
        const struct ast_stanza *stanza = members[i].stanza;
        if (first && stanza->named && conf_text_compare_nocase(first->name, stanza->name) != 0)
            CONF_COMPLAIN(builder, stanza->name_span, "there is only one %s, and it is named '%.*s' above",
                          members[0].class.kind, CONF_TEXT(first->name));
        if (!first && stanza->named)
            first = stanza;
    }
}

/* One scope of `count` stanzas that agree in kind and name. Recursion ends where the parser's nesting does.
 */
static void build_scope(struct conf_builder *builder, struct conf_scope *scope,
                        const struct conf_member *members, size_t count)
{
    scope->kind = members[0].class.kind;
    scope->name = members[0].name;
    scope->key = members[0].key;
    scope->place = conf_keep_place(builder->conf, members[0].stanza->kind_span);
    scope->module = members[0].class.module;
    scope->documented = members[0].class.documented;
    scope->path = members[0].class.path;
    check_singleton(builder, members, count);
    if (!members[0].class.unknown && !members[0].class.documented)
        conf_build_pattern(builder, scope, members[0].stanza->name_span);
    conf_build_entries(builder, scope, members, count);
    build_children(builder, scope, members, count);
    conf_build_index(builder->conf, scope);
}

void conf_build(struct conf_loader *loader, const struct ast_stanza *root, struct conf *conf)
{
    struct conf_builder builder = {.loader = loader, .conf = conf, .effects = conf_effects_create()};
    const struct conf_member global = {
        .class.kind = "global", .class.path = "", .stanza = root, .name = "", .key = ""};
    conf_build_defaults(&builder);
    struct conf_global *whole = conf_arena_alloc(&conf->arena, sizeof *whole);
    whole->conf = conf;
    conf->root = &whole->scope;
    build_scope(&builder, conf->root, &global, 1);
    conf_build_groups(conf);
    if (!loader->options->only_mistakes)
        conf_effects_report(builder.effects, loader->report, loader->options->lenient);
    conf_effects_free(builder.effects);
    free(builder.settings);
}
