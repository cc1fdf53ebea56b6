/* match_cache: see match_cache.h. Hashing and the order of use are uthash's: its oldest item is its first. */
#include "confparse/match_cache.h"

#include <pthread.h>
#include <stdlib.h>
#include "confparse/memory.h"

#define uthash_fatal(message) conf_out_of_memory()
#include <uthash.h>

enum { SHARDS = 16, SHARED_FROM = 4096 }; /* results, from which on there is more than one shard */

struct key {
    const struct conf_scope *container;
    char name[CONF_MATCH_NAME_MAX];
};

struct match { /* one result */
    UT_hash_handle hh;
    uint64_t since;
    size_t count;
    const struct conf_scope **scopes; /* in the same block, and after them the key */
};

struct shard {
    pthread_mutex_t lock;
    struct match *matches; /* a uthash table, the one that was not used longest first */
    size_t capacity;
};

struct conf_match_cache {
    uint64_t life;
    size_t shard_count;
    struct shard shards[];
};

struct conf_match_cache *conf_match_cache_create(size_t size, uint64_t life)
{
    size_t count = size < SHARED_FROM ? 1 : SHARDS;
    struct conf_match_cache *cache = conf_alloc(sizeof *cache + count * sizeof cache->shards[0]);
    cache->life = life;
    cache->shard_count = count;
    for (size_t i = 0; i < count; i++) {
        pthread_mutex_init(&cache->shards[i].lock, NULL);
        cache->shards[i].capacity = size / count;
    }
    return cache;
}

static void drop(struct shard *shard, struct match *match)
{
    HASH_DELETE(hh, shard->matches, match);
    free(match);
}

void conf_match_cache_free(struct conf_match_cache *cache)
{
    for (size_t i = 0; cache && i < cache->shard_count; i++) {
        struct shard *shard = &cache->shards[i];
        while (shard->matches)
            drop(shard, shard->matches);
        pthread_mutex_destroy(&shard->lock);
    }
    free(cache);
}

/* The bytes that a result is found by: the container, and the name in lower case. */
static size_t make_key(struct key *key, const struct conf_scope *container, struct conf_text name)
{
    key->container = container;
    for (size_t i = 0; i < name.size; i++)
        key->name[i] = conf_lower(name.data[i]);
    return offsetof(struct key, name) + name.size;
}

/* The shard of a hash value. The buckets of its table are told apart by the value's lowest bits. */
static struct shard *shard_of(struct conf_match_cache *cache, unsigned hash)
{
    return &cache->shards[(hash >> 24) % cache->shard_count];
}

bool conf_match_cache_find(struct conf_match_cache *cache, const struct conf_scope *container,
                           struct conf_text name, uint64_t now,
                           const struct conf_scope *matches[CONF_MATCHES_MAX], size_t *count)
{
    struct key key;
    struct match *match;
    unsigned hash;
    if (name.size > CONF_MATCH_NAME_MAX)
        return false;
    size_t size = make_key(&key, container, name);
    HASH_VALUE(&key, size, hash);
    struct shard *shard = shard_of(cache, hash);
    pthread_mutex_lock(&shard->lock);
    HASH_FIND_BYHASHVALUE(hh, shard->matches, &key, size, hash, match);
    if (match && cache->life && now - match->since >= cache->life) {
        drop(shard, match);
        match = NULL;
    }
    if (match) {
        HASH_DELETE(hh, shard->matches, match); /* to the end: it was used last */
        HASH_ADD_KEYPTR_BYHASHVALUE(hh, shard->matches, match->hh.key, size, hash, match);
        *count = match->count;
        for (size_t i = 0; i < match->count; i++)
            matches[i] = match->scopes[i];
    }
    pthread_mutex_unlock(&shard->lock);
    return match != NULL;
}

static struct match *make_match(const struct key *key, size_t key_size, uint64_t now,
                                const struct conf_scope *const *scopes, size_t count)
{
    struct match *match = conf_alloc(sizeof *match + count * sizeof *scopes + key_size);
    match->since = now;
    match->count = count;
    match->scopes = (const struct conf_scope **)(match + 1);
    if (count)
        memcpy(match->scopes, scopes, count * sizeof *scopes);
    memcpy(match->scopes + count, key, key_size);
    return match;
}

void conf_match_cache_keep(struct conf_match_cache *cache, const struct conf_scope *container,
                           struct conf_text name, uint64_t now, const struct conf_scope *const *matches,
                           size_t count)
{
    struct key key;
    struct match *before;
    unsigned hash;
    if (name.size > CONF_MATCH_NAME_MAX || count > CONF_MATCHES_MAX)
        return;
    size_t size = make_key(&key, container, name);
    struct match *match = make_match(&key, size, now, matches, count);
    HASH_VALUE(&key, size, hash);
    struct shard *shard = shard_of(cache, hash);
    pthread_mutex_lock(&shard->lock);
    HASH_FIND_BYHASHVALUE(hh, shard->matches, &key, size, hash, before);
    if (before)
        drop(shard, before);
    else if (HASH_COUNT(shard->matches) >= shard->capacity)
        drop(shard, shard->matches);
    HASH_ADD_KEYPTR_BYHASHVALUE(hh, shard->matches, match->scopes + count, size, hash, match);
    pthread_mutex_unlock(&shard->lock);
}

size_t conf_match_cache_count(struct conf_match_cache *cache)
{
    size_t count = 0;
    for (size_t i = 0; i < cache->shard_count; i++) {
        pthread_mutex_lock(&cache->shards[i].lock);
        count += HASH_COUNT(cache->shards[i].matches);
        pthread_mutex_unlock(&cache->shards[i].lock);
    }
    return count;
}
