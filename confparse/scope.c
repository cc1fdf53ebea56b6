/* scope: reading the scopes of a generation and the values that stand in them. */
#include "confparse/scope.h"

#include "confparse/address.h"
#include "confparse/documented.h"
#include "confparse/name_index.h"
#include "confparse/schema.h"

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

const char *conf_scope_key(const struct conf_scope *scope)
{
    return scope->key;
}

struct conf_place conf_scope_place(const struct conf_scope *scope)
{
    return scope->place;
}

const struct conf_scope *conf_scope_parent(const struct conf_scope *scope)
{
    return scope->parent;
}

const struct conf_scope *conf_scope_outermost(const struct conf_scope *scope)
{
    while (scope->parent && scope->parent->parent)
        scope = scope->parent;
    return scope;
}

static const struct conf_scope *first_of_kind(const struct conf_scope *parent, const char *kind)
{
    struct conf_text wanted = conf_text_of(kind);
    size_t low = 0, high = parent->kind_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = conf_text_compare_nocase(wanted, conf_text_of(parent->kinds[middle].name));
        if (!order)
            return parent->kinds[middle].first;
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return NULL;
}

const struct conf_scope *conf_scope_next(const struct conf_scope *parent, const char *kind,
                                         const struct conf_scope *after)
{
    if (!kind)
        return after ? after->next : parent->first;
    return after ? after->next_of_kind : first_of_kind(parent, kind);
}

/* Names of any length and case. */
static const struct conf_scope *find_sorted(const struct conf_scope *parent, const char *kind,
                                            struct conf_text name)
{
    bool has_case = conf_schema_name_has_case(kind, name);
    size_t low = 0, high = parent->child_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        const struct conf_scope *scope = parent->sorted[middle];
        struct conf_text key = conf_text_of(scope->key);
        int order = strcmp(kind, scope->kind);
        if (!order)
            order = has_case ? conf_text_compare(name, key) : conf_text_compare_nocase(name, key);
        if (!order)
            return scope;
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return NULL;
}

enum { NAME_MAX_FOLDED = 256 };

/* Writes the text in lower case, with a NUL. False when there is no room. */
static bool fold(struct conf_text text, char *folded, size_t room)
{
    if (text.size >= room)
        return false;
    for (size_t i = 0; i < text.size; i++)
        folded[i] = conf_lower(text.data[i]);
    folded[text.size] = '\0';
    return true;
}

const struct conf_scope *conf_scope_find(const struct conf_scope *parent, const char *kind, const char *name)
{
    struct conf_text wanted = conf_text_of(name);
    char folded[NAME_MAX_FOLDED], block[CONF_KEY_MAX];
    const struct conf_scope *first = first_of_kind(parent, kind);
    if (!first)
        return NULL;
    kind = first->kind; /* in lower case, of any length */
    if (conf_kind_is_block(conf_text_of(kind))) {
        if (!conf_block_key(name, block))
            return NULL;
        wanted = conf_text_of(block);
    }
    if (!parent->names)
        return find_sorted(parent, kind, wanted);
    if (!conf_schema_name_has_case(kind, wanted)) {
        if (!fold(wanted, folded, sizeof folded))
            return find_sorted(parent, kind, wanted);
        wanted.data = folded;
    }
    return conf_name_index_find(parent, conf_text_of(kind), wanted);
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

static bool is_set_within(const struct conf_scope *scope, const char *option)
{
    bool set = conf_scope_value(scope, option) != NULL;
    for (const struct conf_scope *child = NULL; !set && (child = conf_scope_next(scope, NULL, child));)
        set = is_set_within(child, option);
    return set;
}

bool conf_is_set(const struct conf *conf, const char *option)
{
    const struct conf_option *row = conf_schema_option(conf_text_of(option));
    const struct conf_added *added = row ? NULL : conf_added_find(conf, conf_text_of(option));
    if (added)
        return added->is_set;
    return row ? conf->is_set[conf_schema_index(row)] : is_set_within(conf->root, option);
}

const struct conf_value *conf_default_of(const struct conf *conf, const struct conf_option *row)
{
    const struct conf_value *value = &conf->defaults[conf_schema_index(row)];
    return value->type != CONF_SCOPE ? value : NULL;
}

const struct conf_value *conf_default_value(const struct conf *conf, const char *option)
{
    const struct conf_option *row = conf_schema_option(conf_text_of(option));
    if (row)
        return conf_default_of(conf, row);
    const struct conf_added *added = conf_added_find(conf, conf_text_of(option));
    return added && added->fallback.type != CONF_SCOPE ? &added->fallback : NULL;
}

static const struct conf_value *module_default(const struct conf *conf, const struct conf_module *module,
                                               const char *path, struct conf_text option)
{
    const struct conf_option *row = conf_module_option(module, path, option);
    if (row)
        return conf_module_default_of(module, row);
    return !*path && conf_schema_module_option(option) ? conf_default_value(conf, option.data) : NULL;
}

const struct conf_value *conf_module_value(const struct conf *conf, const struct conf_scope *scope,
                                           const char *option)
{
    const struct conf_value *value = conf_scope_value(scope, option);
    return value || !scope->module ? value
                                   : module_default(conf, scope->module, scope->path, conf_text_of(option));
}

const struct conf_value *conf_module_default(const struct conf *conf, const char *module, const char *option)
{
    const struct conf_module *found = conf_module_find(conf, conf_text_of(module));
    return found ? module_default(conf, found, "", conf_text_of(option)) : NULL;
}

size_t conf_scope_value_count(const struct conf_scope *scope)
{
    return scope->entry_count;
}

const struct conf_value *conf_scope_value_at(const struct conf_scope *scope, size_t index,
                                             const char **option)
{
    if (index >= scope->entry_count)
        return NULL;
    *option = scope->entries[index].name;
    return &scope->entries[index].value;
}

static const struct conf *conf_of(const struct conf_scope *scope)
{
    while (scope->parent)
        scope = scope->parent;
    return ((const struct conf_global *)scope)->conf; /* of which the scope is the first member */
}

const struct conf_option *conf_scope_row(const struct conf_scope *scope, struct conf_text name)
{
    if (scope->documented) {
        const struct conf_option *row = conf_documented_option(scope->documented, scope->path, name);
        return row ? row : conf_schema_module_option(name);
    }
    const struct conf_option *row = conf_module_option(scope->module, scope->path, name);
    if (row)
        return row;
    row = conf_schema_option(name);
    if (row && conf_schema_allows(row, scope->kind))
        return row;
    if (scope->module)
        return !*scope->path ? conf_schema_module_option(name) : NULL;
    const struct conf_added *added = row ? NULL : conf_added_find(conf_of(scope), name);
    return added && conf_schema_allows(added->row, scope->kind) ? added->row : NULL;
}

const struct conf_option *conf_scope_option(const struct conf_scope *scope, const char *option)
{
    return conf_scope_row(scope, conf_text_of(option));
}
