/*
 * compare: two generations side by side.
 *
 * The children of a scope are sorted in both, so one walk meets each scope of either once, beside its
 * counterpart. What differs is collected and then told in order of place.
 */
#include "confparse/compare.h"

#include <stdlib.h>
#include "confparse/schema.h"
#include "confparse/scope.h"

struct change {
    const struct conf_option *option;
    const struct conf_scope *scope;
    const struct conf_value *was, *is;
    const struct conf_place *place;
};

struct comparison {
    const char *main_file; /* of the later generation */
    struct change *changes;
    size_t count, capacity;
};

static void add_change(struct comparison *comparison, const struct change *change)
{
    if (comparison->count == comparison->capacity) {
        comparison->capacity = comparison->capacity ? 2 * comparison->capacity : 16;
        comparison->changes =
            conf_resize(comparison->changes, comparison->capacity, sizeof *comparison->changes);
    }
    comparison->changes[comparison->count++] = *change;
}

/* ---- values -------------------------------------------------------------------------------------------- */

static int order_of(bool less, bool more)
{
    return more - less;
}

static int compare_texts(const struct conf_value *a, const struct conf_value *b)
{
    int order = strcmp(a->text, b->text);
    if (!order)
        order = order_of(a->count<b->count, a->count> b->count);
    size_t texts = a->type == CONF_DICT ? 2 * a->count : a->count;
    for (size_t i = 0; i < texts && !order; i++)
        order = strcmp(a->items[i], b->items[i]);
    return order;
}

/* 0: they mean the same. "1k" is 1024, and "yes" is "true". */
static int compare_values(const struct conf_value *a, const struct conf_value *b)
{
    if (a->type != b->type)
        return a->type < b->type ? -1 : 1;
    switch (a->type) {
    case CONF_BOOL:
    case CONF_INT:
    case CONF_SIZE:
    case CONF_DURATION:
    case CONF_MODE:
    case CONF_PORT:
    case CONF_THROTTLE:
        if (a->number != b->number)
            return order_of(a->number<b->number, a->number> b->number);
        return order_of(a->seconds<b->seconds, a->seconds> b->seconds);
    default:
        return compare_texts(a, b);
    }
}

int conf_compare_settings(const struct conf_scope *a, const struct conf_scope *b)
{
    int order = a == b ? 0 : order_of(a->entry_count<b->entry_count, a->entry_count> b->entry_count);
    for (size_t i = 0; a != b && i < a->entry_count && !order; i++) {
        order = strcmp(a->entries[i].name, b->entries[i].name);
        if (!order)
            order = compare_values(&a->entries[i].value, &b->entries[i].value);
    }
    return order;
}

/* ---- scopes -------------------------------------------------------------------------------------------- */

/* Does the schema say that a stanza of this kind may not change, whatever stands in it? */
static bool is_static_stanza(const struct conf_scope *scope)
{
    const struct conf_option *row = conf_schema_scope(conf_text_of(scope->kind));
    return !scope->module && row && !row->dynamic;
}

static void compare_entry(struct comparison *comparison, const struct conf_scope *scope, bool is_static,
                          const struct conf_entry *was, const struct conf_entry *is)
{
    const struct conf_entry *entry = is ? is : was;
    const struct conf_option *option = conf_scope_option(scope, entry->name);
    if (!option || (option->dynamic && !is_static) ||
        (was && is && compare_values(&was->value, &is->value) == 0))
        return;
    add_change(comparison, &(struct change){option, scope, was ? &was->value : NULL, is ? &is->value : NULL,
                                            &entry->value.place});
}

static const struct conf_scope nothing = {.kind = ""}; /* stands for a scope that one side lacks */

static void compare_entries(struct comparison *comparison, const struct conf_scope *before,
                            const struct conf_scope *after, bool is_static)
{
    size_t i = 0, k = 0;
    while (i < before->entry_count || k < after->entry_count) {
        const struct conf_entry *was = i < before->entry_count ? &before->entries[i] : NULL;
        const struct conf_entry *is = k < after->entry_count ? &after->entries[k] : NULL;
        int order = !was ? 1 : !is ? -1 : strcmp(was->name, is->name);
        i += order <= 0;
        k += order >= 0;
        compare_entry(comparison, order < 0 ? before : after, is_static, order <= 0 ? was : NULL,
                      order >= 0 ? is : NULL);
    }
}

static int compare_keys(const struct conf_scope *a, const struct conf_scope *b)
{
    int order = strcmp(a->kind, b->kind);
    return order ? order : strcmp(a->key, b->key);
}

/* Recursion ends where the parser's nesting does. */
static void compare_scopes(struct comparison *comparison, const struct conf_scope *before,
                           const struct conf_scope *after, bool is_static)
{
    size_t i = 0, k = 0;
    is_static = is_static || is_static_stanza(after == &nothing ? before : after);
    if (is_static || (before != &nothing && after != &nothing)) /* else its options came or went with it */
        compare_entries(comparison, before, after, is_static);
    while (i < before->child_count || k < after->child_count) {
        const struct conf_scope *was = i < before->child_count ? before->sorted[i] : NULL;
        const struct conf_scope *is = k < after->child_count ? after->sorted[k] : NULL;
        int order = !was ? 1 : !is ? -1 : compare_keys(was, is);
        i += order <= 0;
        k += order >= 0;
        compare_scopes(comparison, order <= 0 ? was : &nothing, order >= 0 ? is : &nothing, is_static);
    }
}

/* ---- telling ------------------------------------------------------------------------------------------- */

static int compare_changes(const void *left, const void *right, void *argument)
{
    const struct conf_place *a = ((const struct change *)left)->place,
                            *b = ((const struct change *)right)->place;
    const struct comparison *comparison = argument;
    int main_file =
        (strcmp(b->file, comparison->main_file) == 0) - (strcmp(a->file, comparison->main_file) == 0);
    int order = main_file ? main_file : strcmp(a->file, b->file);
    if (order)
        return order;
    if (a->line != b->line)
        return a->line < b->line ? -1 : 1;
    return (a->column > b->column) - (a->column < b->column);
}

size_t conf_compare_static(const struct conf *before, const struct conf *after,
                           void (*changed)(const struct conf_option *option, const struct conf_scope *scope,
                                           const struct conf_value *was, const struct conf_value *is,
                                           void *argument),
                           void *argument)
{
    struct comparison comparison = {.main_file = after->root->place.file};
    compare_scopes(&comparison, before->root, after->root, false);
    if (comparison.count)
        qsort_r(comparison.changes, comparison.count, sizeof *comparison.changes, compare_changes,
                &comparison);
    for (size_t i = 0; i < comparison.count; i++) {
        const struct change *change = &comparison.changes[i];
        changed(change->option, change->scope, change->was, change->is, argument);
    }
    free(comparison.changes);
    return comparison.count;
}
