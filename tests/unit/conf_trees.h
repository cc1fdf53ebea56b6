/* conf_trees: comparing whole configurations. */
#ifndef IMPULSE_TESTS_CONF_TREES_H
#define IMPULSE_TESTS_CONF_TREES_H

#include <string.h>
#include "confparse/confparse.h"
#include "confparse/value.h"

static inline bool same_value(const struct conf_value *a, const struct conf_value *b)
{
    if (!a || !b)
        return a == b;
    if (a->type != b->type || strcmp(a->text, b->text) != 0 || a->number != b->number ||
        a->seconds != b->seconds || a->count != b->count)
        return false;
    size_t texts = a->type == CONF_DICT ? 2 * a->count : a->count;
    for (size_t i = 0; i < texts; i++)
        if (strcmp(a->items[i], b->items[i]) != 0)
            return false;
    for (size_t i = 0; i < a->count; i++)
        if (conf_value_is_nested(a, i) != conf_value_is_nested(b, i))
            return false;
    return true;
}

/* What a comparison passes over: one option of one scope of the second configuration, or all of that scope.
 */
struct trees_except {
    const struct conf_scope *scope; /* NULL: nothing */
    const char *option;             /* NULL: every option of it and of the scopes in it */
};

static inline bool is_excepted(const struct trees_except *except, const struct conf_scope *scope,
                               const char *option)
{
    if (except->option)
        return except->scope == scope && strcmp(except->option, option) == 0;
    for (; scope && except->scope; scope = conf_scope_parent(scope))
        if (scope == except->scope)
            return true;
    return false;
}

/* Does `b` set what `a` sets, and to the same values? */
static inline bool sets_all_of(const struct conf_scope *a, const struct conf_scope *b,
                               const struct trees_except *except, bool except_in_b)
{
    for (size_t i = 0; i < conf_scope_value_count(a); i++) {
        const char *option;
        const struct conf_value *value = conf_scope_value_at(a, i, &option);
        if (!is_excepted(except, except_in_b ? b : a, option) &&
            !same_value(value, conf_scope_value(b, option)))
            return false;
    }
    return true;
}

/*
 * Do the scopes hold the same options and scopes, in the same order, but for what is excepted? A scope that
 * `b` has alone is passed over when nothing in it counts.
 */
static inline bool same_tree(const struct conf_scope *a, const struct conf_scope *b,
                             const struct trees_except *except)
{
    if (!sets_all_of(a, b, except, true) || !sets_all_of(b, a, except, false))
        return false;
    const struct conf_scope *left = NULL, *right = NULL;
    while ((right = conf_scope_next(b, NULL, right))) {
        const struct conf_scope *expected = conf_scope_next(a, NULL, left);
        bool same = expected && strcmp(conf_scope_kind(expected), conf_scope_kind(right)) == 0 &&
                    strcmp(conf_scope_name(expected), conf_scope_name(right)) == 0;
        if (same && !same_tree(expected, right, except))
            return false;
        if (same) {
            left = expected;
            continue;
        }
        const struct conf_scope *excepted = except->scope;
        while (excepted && excepted != right)
            excepted = conf_scope_parent(excepted);
        if (!excepted || conf_scope_find(a, conf_scope_kind(right), conf_scope_name(right)))
            return false; /* one that nobody asked for, or another order */
    }
    return !conf_scope_next(a, NULL, left);
}

static inline bool same_conf(const struct conf *a, const struct conf *b)
{
    return same_tree(conf_root(a), conf_root(b), &(struct trees_except){NULL, NULL});
}

#endif
