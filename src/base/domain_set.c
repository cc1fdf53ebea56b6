/*
 * domain_set: three sorted arrays. A domain is looked up whole among the exact names, from each of its dots
 * on among the patterns that begin with "*.", and from each of its characters on among the few that do not.
 */
#include "base/domain_set.h"

#include "base/mem.h"

enum { LONGEST_DOMAIN = 255 }; /* RFC 5321 section 4.5.3.1.2 */

struct names {
    struct slice *items; /* lower case, owned */
    size_t count, capacity;
};

struct domain_set {
    struct names exact;  /* example.com */
    struct names dotted; /* .example.com for *.example.com */
    struct names loose;  /* example.com for *example.com, empty for * */
};

struct domain_set *domain_set_create(void)
{
    return mem_new(struct domain_set);
}

static void names_add(struct names *names, struct slice text)
{
    if (names->count == names->capacity) {
        names->capacity = names->capacity ? 2 * names->capacity : 8;
        names->items = mem_resize(names->items, names->capacity * sizeof names->items[0]);
    }
    char *copy = mem_copy_text(text.data, text.size);
    for (size_t i = 0; i < text.size; i++)
        copy[i] = ascii_lower(copy[i]);
    names->items[names->count++] = slice_of(copy, text.size);
}

static void names_release(struct names *names)
{
    for (size_t i = 0; i < names->count; i++)
        free((char *)names->items[i].data);
    free(names->items);
}

void domain_set_add(struct domain_set *set, struct slice pattern)
{
    if (pattern.size == 0)
        return;
    if (pattern.data[0] != '*') {
        names_add(&set->exact, pattern);
        return;
    }
    struct slice suffix = slice_of(pattern.data + 1, pattern.size - 1);
    names_add(suffix.size && suffix.data[0] == '.' ? &set->dotted : &set->loose, suffix);
}

/* Any order will do, so the cheapest: by length first. */
static int compare(const void *a, const void *b)
{
    const struct slice *x = a, *y = b;
    if (x->size != y->size)
        return x->size < y->size ? -1 : 1;
    return x->size ? memcmp(x->data, y->data, x->size) : 0;
}

static void names_sort(struct names *names)
{
    if (names->count > 1)
        qsort(names->items, names->count, sizeof names->items[0], compare);
}

static bool names_have(const struct names *names, struct slice name)
{
    return names->count > 0 && bsearch(&name, names->items, names->count, sizeof names->items[0], compare);
}

void domain_set_seal(struct domain_set *set)
{
    names_sort(&set->exact);
    names_sort(&set->dotted);
    names_sort(&set->loose);
}

bool domain_set_has(const struct domain_set *set, struct slice domain)
{
    char lower[LONGEST_DOMAIN];
    if (domain.size > sizeof lower)
        return false;
    for (size_t i = 0; i < domain.size; i++)
        lower[i] = ascii_lower(domain.data[i]);
    if (names_have(&set->exact, slice_of(lower, domain.size)))
        return true;
    for (size_t i = 0; set->dotted.count && i < domain.size; i++)
        if (lower[i] == '.' && names_have(&set->dotted, slice_of(lower + i, domain.size - i)))
            return true;
    for (size_t i = 0; set->loose.count && i <= domain.size; i++)
        if (names_have(&set->loose, slice_of(lower + i, domain.size - i)))
            return true;
    return false;
}

void domain_set_free(struct domain_set *set)
{
    if (!set)
        return;
    names_release(&set->exact);
    names_release(&set->dotted);
    names_release(&set->loose);
    free(set);
}
