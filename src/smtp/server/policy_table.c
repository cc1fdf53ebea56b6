/*
 * policy_table: see policy_table.h. Policies are found by what the levels of their chains set, so that
 * nothing needs to be known of what modules make of it.
 */
#include "smtp/server/policy_table.h"

#include <search.h>
#include <stdlib.h>
#include "base/mem.h"
#include "confparse/compare.h"

struct policy_table {
    void *tree;  /* of struct compiled, for tsearch */
    bool defers; /* some policy has deferred_spool */
};

struct compiled {
    struct esmtp_policy *policy;
    size_t level_count;
    const struct conf_scope *levels[]; /* the key */
};

static int compare_compiled(const void *left, const void *right)
{
    const struct compiled *a = left, *b = right;
    int order = (a->level_count > b->level_count) - (a->level_count < b->level_count);
    for (size_t i = a->level_count; i > 0 && !order;
         i--) /* the first levels differ most often, so they cost least */
        order = conf_compare_settings(a->levels[a->level_count - i], b->levels[b->level_count - i]);
    return order;
}

static void free_compiled(void *pointer)
{
    struct compiled *entry = pointer;
    esmtp_policy_free(entry->policy);
    free(entry);
}

struct policy_table *policy_table_create(void)
{
    return mem_new(struct policy_table);
}

void policy_table_free(struct policy_table *table)
{
    if (!table)
        return;
    tdestroy(table->tree, free_compiled);
    free(table);
}

const struct esmtp_policy *policy_table_find(struct policy_table *table, const struct conf_chain *chain,
                                             struct module_set *modules, char *error, size_t error_size)
{
    struct compiled *entry = mem_zalloc(sizeof *entry + chain->count * sizeof *entry->levels);
    entry->level_count = chain->count;
    memcpy(entry->levels, chain->levels, chain->count * sizeof *entry->levels);
    struct compiled **found = tsearch(entry, &table->tree, compare_compiled);
    if (!found)
        abort(); /* out of memory, as mem_* would have it */
    if (*found != entry) {
        free_compiled(entry);
        return (*found)->policy;
    }
    entry->policy = esmtp_policy_create(chain, modules, error, error_size);
    if (entry->policy) {
        table->defers = table->defers || entry->policy->deferred_spool;
        return entry->policy;
    }
    tdelete(entry, &table->tree, compare_compiled);
    free_compiled(entry);
    return NULL;
}

bool policy_table_defers(const struct policy_table *table)
{
    return table->defers;
}
