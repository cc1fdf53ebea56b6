/*
 * domain_set: a set of domains and left-globbed domains, asked whether it covers a domain.
 *
 * Patterns are those of slice_match_left_glob, but a set of a hundred thousand answers in a few binary
 * searches. Filled and sealed by one thread, then read by any number of threads.
 */
#ifndef IMPULSE_BASE_DOMAIN_SET_H
#define IMPULSE_BASE_DOMAIN_SET_H

#include "base/slice.h"

struct domain_set;

struct domain_set *domain_set_create(void);
void domain_set_free(struct domain_set *set); /* NULL is harmless */
/* Copies "example.com", "*.example.com", "*example.com" or "*". Before domain_set_seal. */
void domain_set_add(struct domain_set *set, struct slice pattern);
/* Ends the filling; domain_set_has may be called from then on. */
void domain_set_seal(struct domain_set *set);
/* Is `domain` covered? ASCII letters are folded. Allocates nothing. */
bool domain_set_has(const struct domain_set *set, struct slice domain);

#endif
