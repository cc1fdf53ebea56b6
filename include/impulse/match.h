/*
 * impulse/match.h: sets of address blocks and of domains, for modules that decide by lists of either.
 *
 * Filled by one thread, in setup or in a policy function, then read by any number of threads and not changed any more;
 * looking up allocates nothing and does not block. A set belongs to whoever made it, who frees it when nobody reads it
 * any more: in teardown, or as the `release` function of imp_policy_set. Creating one never fails.
 */
#ifndef IMPULSE_MATCH_H
#define IMPULSE_MATCH_H

#include "impulse/module.h"

#ifdef __cplusplus
extern "C" {
#endif

struct imp_cidr_set; /* address blocks */
IMP_API struct imp_cidr_set *imp_cidr_set_create(void);
IMP_API void imp_cidr_set_free(struct imp_cidr_set *set); /* NULL is harmless */
/* Adds "10.0.0.0/8", "10.0.0.1", "fd00::/8"; "::/0" holds no IPv4 address. False, and nothing is added, if it is not a
 * block. */
IMP_API bool imp_cidr_set_add(struct imp_cidr_set *set, const char *block);
/* Is the address (16 bytes in network order, IPv4 as ::ffff:a.b.c.d) in one of the blocks? */
IMP_API bool imp_cidr_set_has(const struct imp_cidr_set *set, const uint8_t address[16]);

/*
 * Domains and left-globbed domains: "*.example.com" covers a.example.com and not example.com; "*example.com"
 * covers both, and badexample.com; "*" covers all. ASCII letters are folded. Source: Momentum 4 manual,
 * relay_domains.
 */
struct imp_domain_set; /* patterns */
IMP_API struct imp_domain_set *imp_domain_set_create(void);
IMP_API void imp_domain_set_free(struct imp_domain_set *set); /* NULL is harmless */
/* Adds a pattern, which is copied. Before imp_domain_set_seal. */
IMP_API void imp_domain_set_add(struct imp_domain_set *set, const char *pattern);
/* Call it once, after the last add and before the first has. */
IMP_API void imp_domain_set_seal(struct imp_domain_set *set);
/* Does a pattern cover the domain? Without a final dot, in any case. */
IMP_API bool imp_domain_set_has(const struct imp_domain_set *set, const char *domain);

#ifdef __cplusplus
}
#endif
#endif
