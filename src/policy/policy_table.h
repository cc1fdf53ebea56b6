/*
 * policy_table.h: what is made of chains, each of them once: twenty thousand Peers, or a million domains,
 * whose scopes set the same few things share a few policies.
 *
 * Two chains are alike when their levels set the same options to the same values, whatever the levels are
 * called. So what is made of a chain must depend on what its levels set, and on nothing else of it.
 */
#ifndef IMPULSE_POLICY_POLICY_TABLE_H
#define IMPULSE_POLICY_POLICY_TABLE_H

#include "confparse/confparse.h"

struct policy_table;

struct policy_kind { /* how a policy is made and freed; constant */
    /* NULL when that fails, for a reason that `closure` knows. Called without a lock. */
    void *(*make)(const struct conf_chain *chain, void *closure);
    void (*release)(void *policy);
};

struct policy_table *policy_table_create(const struct policy_kind *kind);
/* Releases the policies, too. NULL is harmless. When no thread uses the table any more. */
void policy_table_free(struct policy_table *table);
/*
 * The policy for `chain`: one made for a chain that is alike, else a new one, which lives as long as the
 * table. The generation of the chain must live as long. NULL when making it failed. Any thread; when two
 * threads make the same at a time, one of the two is released again at once.
 */
void *policy_table_find(struct policy_table *table, const struct conf_chain *chain, void *closure);

#endif
