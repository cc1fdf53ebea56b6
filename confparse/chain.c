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
 * Room that is kept for the levels that end a chain, whatever number of Peer or Domain stanzas applies, and
 * how many Domain stanzas of one container may. Of more, the least specific are left out.
 */
enum { TAIL = 8, DOMAINS_MAX = CONF_MATCHES_MAX };

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

/* The first of the peers with a shorter prefix than peers[first] has. */
static size_t next_length(const struct conf_index *index, size_t first)
{
    size_t low = first, high = index->peer_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (index->peers[middle].bits < index->peers[first].bits)
            high = middle;
        else
            low = middle + 1;
    }
    return low;
}

/* Of the peers from `first` up to `end`, all of one prefix length, the one that covers `address`. */
static const struct conf_scope *find_peer(const struct conf_index *index, size_t first, size_t end,
                                          const uint8_t *address)
{
    uint8_t masked[16];
    memcpy(masked, address, sizeof masked);
    conf_keep_prefix(masked, index->peers[first].bits);
    while (first < end) {
        size_t middle = first + (end - first) / 2;
        int order = memcmp(masked, index->peers[middle].address, sizeof masked);
        if (order == 0)
            return index->peers[middle].scope;
        if (order < 0)
            end = middle;
        else
            first = middle + 1;
    }
    return NULL;
}

struct peers { /* walks the covering peers of one scope, longest prefix first */
    const struct conf_index *index;
    const uint8_t *address;
    unsigned limit; /* of the prefix: of 128, every Peer that covers the address */
    size_t next;
    const struct conf_scope *scope; /* the current one, NULL at the end */
    unsigned bits;
};

static void next_peer(struct peers *walk)
{
    walk->scope = NULL;
    while (!walk->scope && walk->index && walk->next < walk->index->peer_count) {
        size_t first = walk->next;
        walk->next = next_length(walk->index, first);
        walk->bits = walk->index->peers[first].bits;
        if (walk->bits <= walk->limit)
            walk->scope = find_peer(walk->index, first, walk->next, walk->address);
    }
    if (walk->scope && walk->bits < 96 && is_mapped(walk->address)) /* an IPv6 block holds no IPv4 address */
        walk->scope = NULL;
}

static void add_peers(struct conf_chain *chain, const struct conf_scope *listen,
                      const struct conf_scope *listener, const uint8_t *address, unsigned bits)
{
    struct peers of_listen = {.index = listen ? listen->index : NULL, .address = address, .limit = bits};
    struct peers of_listener = {
        .index = listener ? listener->index : NULL, .address = address, .limit = bits};
    next_peer(&of_listen);
    next_peer(&of_listener);
    while ((of_listen.scope || of_listener.scope) && chain->count < CONF_CHAIN_MAX - TAIL) {
        bool take_listener = !of_listen.scope || (of_listener.scope && of_listener.bits > of_listen.bits);
        struct peers *from = take_listener ? &of_listener : &of_listen;
        add(chain, from->scope);
        next_peer(from);
    }
}

/* ---- inbound ------------------------------------------------------------------------------------------- */

static const char *own_text(const struct conf_chain *chain, const char *option)
{
    for (size_t i = 0; i < chain->count; i++) {
        const struct conf_value *value = conf_scope_value(chain->levels[i], option);
        if (value)
            return value->text;
    }
    return NULL;
}

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

void conf_chain_clients(struct conf_chain *chain, const struct conf *conf, const struct conf_scope *listener,
                        const struct conf_scope *listen, const uint8_t *address, unsigned bits)
{
    begin(chain, conf);
    if (address)
        add_peers(chain, listen, listener, address, bits);
    add(chain, listen);
    add(chain, listener);
    const char *pathway = own_text(chain, "pathway");
    if (pathway)
        add_pathway(chain, conf, find_nested(&conf->grouped_pathways, pathway, false), pathway);
    add(chain, conf->root);
}

void conf_chain_inbound(struct conf_chain *chain, const struct conf *conf, const struct conf_scope *listener,
                        const struct conf_scope *listen, const uint8_t *peer)
{
    conf_chain_clients(chain, conf, listener, listen, peer, 128);
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
    if (!container || !domain || !container->child_count)
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

const struct conf_value *conf_chain_value(const struct conf_chain *chain, const char *option)
{
    for (size_t i = 0; i < chain->count; i++) {
        const struct conf_value *value = conf_scope_value(chain->levels[i], option);
        if (value)
            return value;
    }
    return conf_default_value(chain->conf, option);
}

bool conf_chain_bool(const struct conf_chain *chain, const char *option, bool fallback)
{
    const struct conf_value *value = conf_chain_value(chain, option);
    return value ? value->number != 0 : fallback;
}

int64_t conf_chain_int(const struct conf_chain *chain, const char *option, int64_t fallback)
{
    const struct conf_value *value = conf_chain_value(chain, option);
    return value ? value->number : fallback;
}

const char *conf_chain_text(const struct conf_chain *chain, const char *option, const char *fallback)
{
    const struct conf_value *value = conf_chain_value(chain, option);
    return value ? value->text : fallback;
}
