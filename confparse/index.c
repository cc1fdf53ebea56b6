/*
 * index: what children are looked up by, besides their names: Peers by their blocks, Domains by regular
 * expressions, bindings and pathways by the groups they stand in.
 */
#include "confparse/index.h"

#include <stdlib.h>
#include "confparse/pattern.h"

/* ---- peers and patterns -------------------------------------------------------------------------------- */

void conf_build_pattern(struct conf_builder *builder, struct conf_scope *scope, struct conf_span span)
{
    struct conf *conf = builder->conf;
    char problem[200];
    bool host = strcmp(scope->kind, "domain") == 0 || strcmp(scope->kind, "host") == 0;
    if (!host || !conf_name_is_pattern(scope->name))
        return;
    scope->pattern = conf_pattern_compile(scope->name, problem, sizeof problem);
    if (!scope->pattern) {
        CONF_COMPLAIN(builder, span, "%s", problem);
        return;
    }
    if (conf->pattern_count == conf->pattern_capacity) {
        conf->pattern_capacity = conf->pattern_capacity ? 2 * conf->pattern_capacity : 16;
        conf->patterns = conf_resize(conf->patterns, conf->pattern_capacity, sizeof *conf->patterns);
    }
    conf->patterns[conf->pattern_count++] = scope->pattern;
}

static int compare_blocks(const void *left, const void *right)
{
    const struct conf_named_block *a = left, *b = right;
    if (a->bits != b->bits)
        return a->bits > b->bits ? -1 : 1;
    return memcmp(a->address, b->address, sizeof a->address);
}

static void index_blocks(struct conf *conf, const struct conf_scope *scope, const char *kind,
                         struct conf_blocks *blocks)
{
    size_t count = 0;
    const struct conf_scope *child = NULL;
    while ((child = conf_scope_next(scope, kind, child)))
        count++;
    blocks->items = conf_arena_array(&conf->arena, count, sizeof *blocks->items);
    while ((child = conf_scope_next(scope, kind, child))) {
        struct conf_named_block *block = &blocks->items[blocks->count++];
        conf_parse_cidr(child->key, block->address, &block->bits); /* the key has no bits beyond the prefix */
        block->scope = child;
    }
    if (count)
        qsort(blocks->items, count, sizeof *blocks->items, compare_blocks);
}

void conf_build_index(struct conf *conf, struct conf_scope *scope)
{
    size_t domains = 0;
    const struct conf_scope *child = NULL;
    bool blocks = conf_scope_next(scope, "peer", NULL) || conf_scope_next(scope, "via", NULL);
    while ((child = conf_scope_next(scope, "domain", child)))
        domains += child->pattern != NULL;
    if (!blocks && !domains)
        return;
    struct conf_index *index = conf_arena_alloc(&conf->arena, sizeof *index);
    index_blocks(conf, scope, "peer", &index->peers);
    index_blocks(conf, scope, "via", &index->vias);
    index->domains = conf_arena_array(&conf->arena, domains, sizeof *index->domains);
    while ((child = conf_scope_next(scope, "domain", child)))
        if (child->pattern)
            index->domains[index->domain_count++] = child;
    scope->index = index;
}

/* ---- groups -------------------------------------------------------------------------------------------- */

static int compare_grouped(const void *left, const void *right)
{
    const struct conf_grouped *a = left, *b = right;
    int order = strcmp(a->scope->key, b->scope->key);
    return order ? order : (a->order > b->order) - (a->order < b->order);
}

/* Every `kind` that stands in a `container` of the root. */
static void index_grouped(struct conf *conf, const char *container, const char *kind,
                          struct conf_nested *nested)
{
    const struct conf_scope *group = NULL, *scope = NULL;
    size_t count = 0;
    while ((group = conf_scope_next(conf->root, container, group)))
        count += group->child_count;
    nested->scopes = conf_arena_array(&conf->arena, count, sizeof *nested->scopes);
    for (size_t order = 0; (group = conf_scope_next(conf->root, container, group)); order++)
        while ((scope = conf_scope_next(group, kind, scope)))
            nested->scopes[nested->count++] = (struct conf_grouped){scope, order};
    if (nested->count)
        qsort(nested->scopes, nested->count, sizeof *nested->scopes, compare_grouped);
}

void conf_build_groups(struct conf *conf)
{
    index_grouped(conf, "binding_group", "binding", &conf->grouped_bindings);
    index_grouped(conf, "pathway_group", "pathway", &conf->grouped_pathways);
}
