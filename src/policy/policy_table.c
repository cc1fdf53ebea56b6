/*
 * policy_table: see policy_table.h. Policies are found by what the levels of their chains set, so that
 * nothing needs to be known of what is made of it, by the core or by modules.
 */
#include "policy/policy_table.h"

#include <pthread.h>
#include <search.h>
#include <stdlib.h>
#include <string.h>
#include "base/mem.h"
#include "confparse/compare.h"

struct policy_table {
    const struct policy_kind *kind;
    pthread_mutex_t lock; /* tree */
    void *tree;           /* of struct compiled, for tsearch */
};

struct compiled {
    const struct policy_kind *kind; /* for free_compiled, to which tdestroy gives no more than an entry */
    void *policy;
    size_t level_count;
    const struct conf_scope *const *levels; /* the key; of the chain that is looked for, or owned */
    const struct conf_scope *own[];
};

static int compare_compiled(const void *left, const void *right)
{
    const struct compiled *a = left, *b = right;
    int order = (a->level_count > b->level_count) - (a->level_count < b->level_count);
    for (size_t i = 0; i < a->level_count && !order; i++) /* the most specific differ most often */
        order = conf_compare_settings(a->levels[i], b->levels[i]);
    return order;
}

static void free_compiled(void *pointer)
{
    struct compiled *entry = pointer;
    if (entry->policy)
        entry->kind->release(entry->policy);
    free(entry);
}

struct policy_table *policy_table_create(const struct policy_kind *kind)
{
    struct policy_table *table = mem_new(struct policy_table);
    table->kind = kind;
    pthread_mutex_init(&table->lock, NULL);
    return table;
}

void policy_table_free(struct policy_table *table)
{
    if (!table)
        return;
    tdestroy(table->tree, free_compiled);
    pthread_mutex_destroy(&table->lock);
    free(table);
}

static void *find(struct policy_table *table, const struct conf_chain *chain)
{
    const struct compiled wanted = {.level_count = chain->count, .levels = chain->levels};
    pthread_mutex_lock(&table->lock);
    struct compiled **found = tfind(&wanted, &table->tree, compare_compiled);
    void *policy = found ? (*found)->policy : NULL;
    pthread_mutex_unlock(&table->lock);
    return policy;
}

/* Keeps `policy`, or releases it when another thread was faster. Returns the one that stays. */
static void *keep(struct policy_table *table, const struct conf_chain *chain, void *policy)
{
    struct compiled *entry = mem_zalloc(sizeof *entry + chain->count * sizeof *entry->own);
    entry->kind = table->kind;
    entry->policy = policy;
    entry->level_count = chain->count;
    entry->levels = entry->own;
    memcpy(entry->own, chain->levels, chain->count * sizeof *entry->own);
    pthread_mutex_lock(&table->lock);
    struct compiled **found = tsearch(entry, &table->tree, compare_compiled);
    if (!found)
        abort(); /* out of memory, as mem_* would have it */
    struct compiled *kept = *found;
    pthread_mutex_unlock(&table->lock);
    if (kept != entry)
        free_compiled(entry);
    return kept->policy;
}

void *policy_table_find(struct policy_table *table, const struct conf_chain *chain, void *closure)
{
    void *policy = find(table, chain);
    if (policy)
        return policy;
    policy = table->kind->make(chain, closure);
    return policy ? keep(table, chain, policy) : NULL;
}
