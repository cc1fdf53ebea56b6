/*
 * match_cache: which scopes match a name, remembered for names that were asked for before (Momentum 4 manual,
 * "match_cache_size", "match_cache_life").
 *
 * A cache belongs to one generation and is the only part of it that changes. Any number of threads use it at
 * once. It holds at most as many results as it was made for; the one that was not asked for longest makes
 * room. A large cache is several small ones, each with its lock, so that threads seldom meet; a name always
 * has its place in the same one.
 */
#ifndef IMPULSE_CONFPARSE_MATCH_CACHE_H
#define IMPULSE_CONFPARSE_MATCH_CACHE_H

#include "confparse/confparse.h"
#include "confparse/text.h"

struct conf_match_cache;

/* Results of more scopes, or for longer names, are not kept: one that is kept takes at most 650 bytes. */
enum { CONF_MATCHES_MAX = 36, CONF_MATCH_NAME_MAX = 255 };

/* `size`: results, at least 1. `life`: seconds that a result is good for; 0: always. */
struct conf_match_cache *conf_match_cache_create(size_t size, uint64_t life);
void conf_match_cache_free(struct conf_match_cache *cache); /* NULL is harmless */

/*
 * Finds what was kept for `name` in `container`, at the monotonic time `now` in seconds: *count scopes, maybe
 * none, in matches[]. False when nothing was kept, or longer than `life` ago.
 */
bool conf_match_cache_find(struct conf_match_cache *cache, const struct conf_scope *container,
                           struct conf_text name, uint64_t now,
                           const struct conf_scope *matches[CONF_MATCHES_MAX], size_t *count);
/* Keeps a result; one that another thread kept meanwhile is replaced. */
void conf_match_cache_keep(struct conf_match_cache *cache, const struct conf_scope *container,
                           struct conf_text name, uint64_t now, const struct conf_scope *const *matches,
                           size_t count);
/* Results kept now. Any thread. */
size_t conf_match_cache_count(struct conf_match_cache *cache);

#endif
