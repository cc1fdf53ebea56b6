/*
 * registry: see registry.h. Rows are few and are added at the start or at a reload: a sorted array.
 */
#include "base/registry.h"

#include <stdio.h>
#include <stdlib.h>
#include "base/mem.h"

/* The index of the first row whose name is not less than `name`. */
static size_t lower_bound(const struct registry *registry, struct slice name)
{
    size_t low = 0, high = registry->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (slice_compare_nocase(slice_text(registry->rows[middle].name), name) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

const struct registry_row *registry_find(const struct registry *registry, struct slice name)
{
    for (; registry; registry = registry->below) {
        size_t index = lower_bound(registry, name);
        if (index < registry->count && slice_equal_nocase(slice_text(registry->rows[index].name), name))
            return &registry->rows[index];
    }
    return NULL;
}

bool registry_add(struct registry *registry, const struct registry_row *row, char *error, size_t error_size)
{
    struct slice name = slice_text(row->name);
    const struct registry_row *taken = registry_find(registry, name);
    if (taken && taken->what == row->what)
        return true;
    if (taken) {
        snprintf(error, error_size, "%s \"%s\" of %s is already registered by %s", registry->kind, row->name,
                 row->owner, taken->owner);
        return false;
    }
    size_t index = lower_bound(registry, name);
    registry->rows = mem_resize(registry->rows, (registry->count + 1) * sizeof *registry->rows);
    memmove(&registry->rows[index + 1], &registry->rows[index],
            (registry->count - index) * sizeof *registry->rows);
    registry->rows[index] = *row;
    registry->count++;
    return true;
}

const struct registry_row *registry_next(const struct registry *registry, const struct registry_row *after)
{
    const struct registry_row *next = NULL;
    for (; registry; registry = registry->below) {
        size_t index = after ? lower_bound(registry, slice_text(after->name)) : 0;
        if (after && index < registry->count &&
            slice_equal_nocase(slice_text(registry->rows[index].name), slice_text(after->name)))
            index++;
        const struct registry_row *candidate = index < registry->count ? &registry->rows[index] : NULL;
        if (candidate &&
            (!next || slice_compare_nocase(slice_text(candidate->name), slice_text(next->name)) < 0))
            next = candidate;
    }
    return next;
}

void registry_release(struct registry *registry)
{
    for (size_t i = 0; registry->release && i < registry->count; i++)
        registry->release((void *)(uintptr_t)registry->rows[i].what);
    free(registry->rows);
    registry->rows = NULL;
    registry->count = 0;
}
