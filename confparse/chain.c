/*
 * chain: which scopes are asked for an option, and asking them.
 * Source: Momentum 4 manual, "Configuration Scopes and Fallback", "pathway", "domain".
 */
#include "confparse/chain.h"

#include <stdio.h>
#include <string.h>
#include <time.h>
#include "confparse/address.h"
#include "confparse/match_cache.h"
#include "confparse/pattern.h"
#include "confparse/scope.h"
#include "confparse/text.h"

/*
 * How many Via stanzas may apply, and how many Domain stanzas of one container; the room that is kept for the
 * levels that end a chain, whatever number of Peer or Domain stanzas applies. Of more, the least specific are
 * left out.
 */
enum { VIAS_MAX = 16, DOMAINS_MAX = CONF_MATCHES_MAX, TAIL = VIAS_MAX + 8 };

enum { SUFFIX_MAX = 255 }; /* bytes of a suffix and its NUL; no domain is longer */

static void add(struct conf_chain *chain, const struct conf_scope *scope)
{
    if (scope && chain->count < CONF_CHAIN_MAX)
        chain->levels[chain->count++] = scope;
}

/* ---- groups -------------------------------------------------------------------------------------------- */

/* The first scope of that name, or NULL. */
static const struct conf_scope *find_nested(const struct conf_nested *nested, const char *name, bool has_case)
{
    size_t low = 0, high = nested->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        struct conf_text key = conf_text_of(nested->scopes[middle].scope->key), wanted = conf_text_of(name);
        int order = has_case ? conf_text_compare(key, wanted) : conf_text_compare_nocase(key, wanted);
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    if (low == nested->count)
        return NULL;
    const char *key = nested->scopes[low].scope->key;
    bool same = has_case ? strcmp(key, name) == 0 : conf_text_is(conf_text_of(key), name);
    return same ? nested->scopes[low].scope : NULL;
}

/* ---- blocks -------------------------------------------------------------------------------------------- */

static bool is_mapped(const uint8_t address[16])
{
    static const uint8_t prefix[12] = {[10] = 0xff, [11] = 0xff};
    return memcmp(address, prefix, sizeof prefix) == 0;
}

/* The first of the blocks with a shorter prefix than items[first] has. */
static size_t next_length(const struct conf_blocks *blocks, size_t first)
{
    size_t low = first, high = blocks->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (blocks->items[middle].bits < blocks->items[first].bits)
            high = middle;
        else
            low = middle + 1;
    }
    return low;
}

/* Of the blocks from `first` up to `end`, all of one prefix length, the one that covers `address`. */
static const struct conf_scope *find_block(const struct conf_blocks *blocks, size_t first, size_t end,
                                           const uint8_t *address)
{
    uint8_t masked[16];
    memcpy(masked, address, sizeof masked);
    conf_keep_prefix(masked, blocks->items[first].bits);
    while (first < end) {
        size_t middle = first + (end - first) / 2;
        int order = memcmp(masked, blocks->items[middle].address, sizeof masked);
        if (order == 0)
            return blocks->items[middle].scope;
        if (order < 0)
            end = middle;
        else
            first = middle + 1;
    }
    return NULL;
}

struct walk { /* through the blocks of one container that cover another, longest prefix first */
    const struct conf_blocks *blocks;
    const struct conf_block *covered;
    size_t next;
    const struct conf_scope *scope; /* the current one, NULL at the end */
    unsigned bits;
};

static void step(struct walk *walk)
{
    walk->scope = NULL;
    while (!walk->scope && walk->next < walk->blocks->count) {
        size_t first = walk->next;
        walk->next = next_length(walk->blocks, first);
        walk->bits = walk->blocks->items[first].bits;
        if (walk->bits <= walk->covered->bits)
            walk->scope = find_block(walk->blocks, first, walk->next, walk->covered->address);
    }
    if (walk->scope && walk->bits < 96 && is_mapped(walk->covered->address)) /* IPv6 holds no IPv4 address */
        walk->scope = NULL;
}

struct walks { /* at equal length the first comes first */
    struct walk each[VIAS_MAX + 2];
    size_t count;
};

static void begin_walk(struct walks *walks, const struct conf_scope *container, bool vias,
                       const struct conf_block *covered)
{
    if (!container || !container->index || !covered->known)
        return;
    struct walk *walk = &walks->each[walks->count++];
    const struct conf_index *index = container->index;
    *walk = (struct walk){.blocks = vias ? &index->vias : &index->peers, .covered = covered};
    step(walk);
}

static void add_walks(struct conf_chain *chain, struct walks *walks, size_t limit)
{
    while (chain->count < limit) {
        struct walk *longest = NULL;
        for (struct walk *walk = walks->each; walk < walks->each + walks->count; walk++)
            if (walk->scope && (!longest || walk->bits > longest->bits))
                longest = walk;
        if (!longest)
            return;
        add(chain, longest->scope);
        step(longest);
    }
}

/* The Peers, then the Vias that they may stand in. */
static void add_blocks(struct conf_chain *chain, const struct conf_clients *clients)
{
    struct conf_chain through = {.count = 0};
    struct walks vias = {.count = 0}, peers = {.count = 0};
    begin_walk(&vias, clients->listen, true, &clients->local);
    begin_walk(&vias, clients->listener, true, &clients->local);
    add_walks(&through, &vias, VIAS_MAX);
    for (size_t i = 0; i < through.count; i++)
        begin_walk(&peers, through.levels[i], false, &clients->peer);
    begin_walk(&peers, clients->listen, false, &clients->peer);
    begin_walk(&peers, clients->listener, false, &clients->peer);
    add_walks(chain, &peers, CONF_CHAIN_MAX - TAIL);
    for (size_t i = 0; i < through.count; i++)
        add(chain, through.levels[i]);
}

/* ---- inbound ------------------------------------------------------------------------------------------- */

static void begin(struct conf_chain *chain, const struct conf *conf)
{
    chain->conf = conf;
    chain->count = 0;
}

/* `nested`: the pathway of that name in a group, or NULL. */
static void add_pathway(struct conf_chain *chain, const struct conf *conf, const struct conf_scope *nested,
                        const char *name)
{
    add(chain, nested);
    add(chain, conf_scope_find(conf->root, "pathway", name));
    add(chain, nested ? nested->parent : NULL);
}

void conf_chain_clients(struct conf_chain *chain, const struct conf *conf, const struct conf_clients *clients)
{
    begin(chain, conf);
    add_blocks(chain, clients);
    add(chain, clients->listen);
    add(chain, clients->listener);
    const struct conf_value *pathway = conf_chain_set_value(chain, "pathway");
    if (pathway)
        add_pathway(chain, conf, find_nested(&conf->grouped_pathways, pathway->text, false), pathway->text);
    add(chain, conf->root);
}

static struct conf_block block_of(const uint8_t *address)
{
    struct conf_block block = {.known = address != NULL, .bits = 128};
    if (address)
        memcpy(block.address, address, sizeof block.address);
    return block;
}

void conf_chain_inbound(struct conf_chain *chain, const struct conf *conf, const struct conf_scope *listener,
                        const struct conf_scope *listen, const uint8_t *peer)
{
    struct conf_clients clients = {.listener = listener, .listen = listen, .peer = block_of(peer)};
    conf_chain_clients(chain, conf, &clients);
}

void conf_chain_pathway(struct conf_chain *chain, const struct conf *conf, const struct conf_scope *group,
                        const char *pathway)
{
    begin(chain, conf);
    add_pathway(chain, conf,
                group ? conf_scope_find(group, "pathway", pathway)
                      : find_nested(&conf->grouped_pathways, pathway, false),
                pathway);
    add(chain, conf->root);
}

/* ---- outbound ------------------------------------------------------------------------------------------ */

/* Tries every Domain of `container` that is named by a regular expression, in order of the file. */
static size_t try_patterns(const struct conf_scope *container, struct conf_text domain,
                           const struct conf_scope *matches[CONF_MATCHES_MAX])
{
    struct conf_matcher *matcher = conf_matcher_create();
    const struct conf_index *index = container->index;
    size_t count = 0;
    for (size_t i = 0; i < index->domain_count && count < CONF_MATCHES_MAX; i++)
        if (conf_matcher_matches(matcher, index->domains[i]->pattern, domain.data, domain.size))
            matches[count++] = index->domains[i];
    conf_matcher_free(matcher);
    return count;
}

/* The same, from the generation's match cache when it is there. */
static void add_matches(struct conf_chain *chain, const struct conf_scope *container, struct conf_text domain,
                        size_t limit)
{
    const struct conf_scope *matches[CONF_MATCHES_MAX];
    struct conf_match_cache *cache = chain->conf->matches;
    char folded[CONF_MATCH_NAME_MAX]; /* even "(?-i)" must not tell two spellings of a domain apart */
    struct timespec now = {0};
    size_t count;
    for (size_t i = 0; i < domain.size && domain.size <= sizeof folded; i++)
        folded[i] = conf_lower(domain.data[i]);
    if (domain.size <= sizeof folded)
        domain.data = folded;
    clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
    if (!cache || !conf_match_cache_find(cache, container, domain, (uint64_t)now.tv_sec, matches, &count)) {
        count = try_patterns(container, domain, matches);
        if (cache)
            conf_match_cache_keep(cache, container, domain, (uint64_t)now.tv_sec, matches, count);
    }
    for (size_t i = 0; i < count && chain->count < limit; i++)
        add(chain, matches[i]);
}

/* The Domain stanzas of `container` that apply to `domain`: the exact one, suffixes from the longest,
 * patterns. */
static void add_domains(struct conf_chain *chain, const struct conf_scope *container, const char *domain)
{
    size_t limit = chain->count + DOMAINS_MAX;
    if (!container || !domain || !conf_scope_next(container, "domain", NULL))
        return;
    char pattern[SUFFIX_MAX + 1] = "*";
    add(chain, conf_scope_find(container, "domain", domain));
    for (const char *dot = strchr(domain, '.'); dot && chain->count < limit; dot = strchr(dot + 1, '.')) {
        size_t size = strlen(dot) + 1;
        if (size > SUFFIX_MAX)
            continue;
        memcpy(pattern + 1, dot, size);
        add(chain, conf_scope_find(container, "domain", pattern));
    }
    if (container->index && container->index->domain_count)
        add_matches(chain, container, conf_text_of(domain), limit);
}

void conf_route_of(struct conf_route *route, const struct conf *conf, const char *binding)
{
    *route = (struct conf_route){.nested = find_nested(&conf->grouped_bindings, binding, true),
                                 .alone = conf_scope_find(conf->root, "binding", binding)};
    route->group =
        route->nested ? route->nested->parent : conf_scope_find(conf->root, "binding_group", "default");
}

void conf_chain_route(struct conf_chain *chain, const struct conf *conf, const struct conf_route *route)
{
    begin(chain, conf);
    add_domains(chain, route->nested, route->domain);
    add_domains(chain, route->alone, route->domain);
    add_domains(chain, route->group, route->domain);
    add(chain, route->nested);
    add(chain, route->alone);
    add(chain, route->group);
    add_domains(chain, conf->root, route->domain);
    add(chain, conf->root);
}

void conf_chain_outbound(struct conf_chain *chain, const struct conf *conf, const char *binding,
                         const char *domain)
{
    struct conf_route route;
    conf_route_of(&route, conf, binding && *binding ? binding : "default");
    route.domain = domain;
    conf_chain_route(chain, conf, &route);
}

/* The Host stanzas of `container` that apply to `host`: the exact one, then patterns. Walks all its children.
 */
static void add_hosts(struct conf_chain *chain, const struct conf_scope *container, const char *host)
{
    size_t limit = chain->count + DOMAINS_MAX;
    if (!container)
        return;
    struct conf_matcher *matcher = conf_matcher_create();
    add(chain, conf_scope_find(container, "host", host));
    for (const struct conf_scope *at = NULL; (at = conf_scope_next(container, "host", at));)
        if (at->pattern && chain->count < limit &&
            conf_matcher_matches(matcher, at->pattern, host, strlen(host)))
            add(chain, at);
    conf_matcher_free(matcher);
}

void conf_chain_host(struct conf_chain *chain, const struct conf *conf, const struct conf_route *route,
                     const char *host)
{
    begin(chain, conf);
    add_hosts(chain, route->nested, host);
    add_hosts(chain, route->group, host);
    add_hosts(chain, route->alone, host);
    add_hosts(chain, conf->root, host);
}

void conf_chain_global(struct conf_chain *chain, const struct conf *conf)
{
    begin(chain, conf);
    add(chain, conf->root);
}

/* ---- asking -------------------------------------------------------------------------------------------- */

const struct conf_value *conf_chain_set_value(const struct conf_chain *chain, const char *option)
{
    for (size_t i = 0; i < chain->count; i++) {
        const struct conf_value *value = conf_scope_value(chain->levels[i], option);
        if (value)
            return value;
    }
    return NULL;
}

const struct conf_value *conf_chain_value(const struct conf_chain *chain, const char *option)
{
    const struct conf_value *value = conf_chain_set_value(chain, option);
    return value ? value : conf_default_value(chain->conf, option);
}

const struct conf_value *conf_chain_host_value(const struct conf_chain *chain, const char *option)
{
    static const struct conf_value unlimited = {
        .type = CONF_INT, .place = {"(default)", 0, 0}, .text = "-1", .number = -1};
    const struct conf_value *value = conf_chain_set_value(chain, option);
    if (!value && conf_text_is(conf_text_of("max_outbound_connections"), option))
        return &unlimited;
    return value ? value : conf_default_value(chain->conf, option);
}

bool conf_chain_bool(const struct conf_chain *chain, const char *option)
{
    return conf_chain_int(chain, option) != 0;
}

int64_t conf_chain_int(const struct conf_chain *chain, const char *option)
{
    const struct conf_value *value = conf_chain_value(chain, option);
    return value ? value->number : 0;
}

const char *conf_chain_text(const struct conf_chain *chain, const char *option)
{
    const struct conf_value *value = conf_chain_value(chain, option);
    return value ? value->text : NULL;
}
