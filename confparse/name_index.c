/*
 * name_index: see name_index.h. Open addressing: a name is in the first free slot from the one its hash value
 * says, and at most half of the slots are used. The hash function is uthash's.
 */
#include "confparse/name_index.h"

#include <stdint.h>
#include <uthash.h>

struct slot {
    const struct conf_scope *scope; /* NULL: free */
    unsigned hash;
};

struct conf_name_index {
    size_t mask; /* slots, a power of two, less 1 */
    struct slot slots[];
};

static unsigned hash_of(struct conf_text key)
{
    unsigned hash;
    HASH_VALUE(key.data, key.size, hash);
    return hash;
}

void conf_name_index_build(struct conf_arena *arena, struct conf_scope *scope)
{
    size_t count = (size_t)2 * CONF_NAME_INDEX_FROM;
    if (scope->child_count > SIZE_MAX / 4 / sizeof(struct slot))
        conf_out_of_memory();
    while (count < 2 * scope->child_count)
        count *= 2;
    struct conf_name_index *index = conf_arena_alloc(arena, sizeof *index + count * sizeof index->slots[0]);
    index->mask = count - 1;
    for (size_t i = 0; i < scope->child_count; i++) {
        unsigned hash = hash_of(conf_text_of(scope->sorted[i]->key));
        size_t at = hash & index->mask;
        while (index->slots[at].scope)
            at = (at + 1) & index->mask;
        index->slots[at] = (struct slot){scope->sorted[i], hash};
    }
    scope->names = index;
}

const struct conf_scope *conf_name_index_find(const struct conf_scope *scope, struct conf_text kind,
                                              struct conf_text key)
{
    const struct conf_name_index *index = scope->names;
    unsigned hash = hash_of(key);
    for (size_t at = hash & index->mask; index->slots[at].scope; at = (at + 1) & index->mask) {
        if (index->slots[at].hash != hash)
            continue;
        const struct conf_scope *child = index->slots[at].scope;
        if (conf_text_compare(key, conf_text_of(child->key)) == 0 &&
            conf_text_compare(kind, conf_text_of(child->kind)) == 0)
            return child;
    }
    return NULL;
}
