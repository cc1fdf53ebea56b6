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

static void add_peer(struct conf_index *index, const struct conf_scope *scope)
{
    struct conf_peer *peer = &index->peers[index->peer_count++];
    conf_parse_cidr(scope->key, peer->address, &peer->bits); /* the key has no bits beyond the prefix */
    peer->scope = scope;
}

static int compare_peers(const void *left, const void *right)
{
    const struct conf_peer *a = left, *b = right;
    if (a->bits != b->bits)
        return a->bits > b->bits ? -1 : 1;
    return memcmp(a->address, b->address, sizeof a->address);
}

void conf_build_index(struct conf *conf, struct conf_scope *scope)
{
    size_t peers = 0, domains = 0;
    const struct conf_scope *child = NULL;
    while ((child = conf_scope_next(scope, "peer", child)))
        peers++;
    while ((child = conf_scope_next(scope, "domain", child)))
        domains += child->pattern != NULL;
    if (!peers && !domains)
        return;
    struct conf_index *index = conf_arena_alloc(&conf->arena, sizeof *index);
    index->peers = conf_arena_array(&conf->arena, peers, sizeof *index->peers);
    index->domains = conf_arena_array(&conf->arena, domains, sizeof *index->domains);
    while ((child = conf_scope_next(scope, "peer", child)))
        add_peer(index, child);
    while ((child = conf_scope_next(scope, "domain", child)))
        if (child->pattern)
            index->domains[index->domain_count++] = child;
    if (index->peer_count)
        qsort(index->peers, index->peer_count, sizeof *index->peers, compare_peers);
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
