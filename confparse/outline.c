/* outline: see outline.h. */
#include "confparse/outline.h"

#include <stdlib.h>
#include "confparse/address.h"
#include "confparse/loader.h"
#include "confparse/schema.h"

enum { INDEX_FROM = 256 }; /* stanzas in one, from which on they are sorted before one is looked for */

struct indexed {
    const struct ast_stanza *stanza;
    struct conf_text key; /* its name, of a Peer its block in one spelling */
    size_t order;
};

struct index {
    const struct ast_stanza *parent;
    struct indexed *children; /* by kind, then key without case */
};

struct conf_outline {
    const struct conf_files *files;
    struct conf_load_options options;
    struct conf_loader loader;
    struct ast_stanza *root;
    struct index *indexes;
    size_t index_count;
};

struct conf_outline *conf_outline_create(const struct conf_files *files)
{
    struct conf_outline *outline = conf_alloc(sizeof *outline);
    struct conf_loader *loader = &outline->loader;
    outline->files = conf_files_ref(files);
    outline->options.search_path = files->search_path;
    *loader = (struct conf_loader){.options = &outline->options, .include = conf_include, .given = files};
    loader->report = conf_report_create();
    loader->files = conf_files_create(NULL);
    outline->root = conf_ast_stanza(loader);
    const struct conf_source *source = conf_open_main(loader, files->entries[0].file.path);
    outline->root->kind_span = (struct conf_span){source, 1, 1, 1, 0};
    outline->root->end = (unsigned)source->size;
    conf_parse(loader, source, outline->root, 0);
    conf_include_virtual(loader, outline->root);
    conf_include_local_changes(loader, outline->root);
    return outline;
}

void conf_outline_free(struct conf_outline *outline)
{
    if (!outline)
        return;
    for (size_t i = 0; i < outline->index_count; i++)
        free(outline->indexes[i].children);
    free(outline->indexes);
    conf_report_free(outline->loader.report);
    conf_files_unref(outline->loader.files);
    conf_arena_free(&outline->loader.arena);
    conf_files_unref(outline->files);
    free(outline);
}

const struct conf_files *conf_outline_files(const struct conf_outline *outline)
{
    return outline->files;
}

const struct ast_inclusion *conf_outline_inclusions(const struct conf_outline *outline)
{
    return outline->loader.inclusions;
}

const struct conf_source *conf_outline_sources(const struct conf_outline *outline)
{
    return conf_report_sources(outline->loader.report);
}

/* ---- places -------------------------------------------------------------------------------------------- */

/* Is the file read as a part of another one, at a statement there? */
static bool is_inside(const struct conf_source *source)
{
    return source->inclusion && !source->inclusion->at_end;
}

static unsigned depth_of(const struct conf_source *source)
{
    unsigned depth = 0;
    for (; is_inside(source); source = source->includer)
        depth++;
    return depth;
}

/* The include statement that leads to the spot, as a spot of the including file. */
static struct conf_spot lift(struct conf_spot spot)
{
    return (struct conf_spot){spot.source->includer, spot.source->inclusion->begin};
}

bool conf_spot_after(struct conf_spot a, struct conf_spot b)
{
    unsigned depth_a = depth_of(a.source), depth_b = depth_of(b.source);
    for (; depth_a > depth_b; depth_a--)
        a = lift(a);
    for (; depth_b > depth_a; depth_b--)
        b = lift(b);
    for (; a.source != b.source && depth_a; depth_a--) {
        struct conf_spot above_a = lift(a), above_b = lift(b);
        if (above_a.source == above_b.source && above_a.offset == above_b.offset)
            break; /* two files of one directory */
        a = above_a;
        b = above_b;
    }
    return a.source == b.source ? a.offset > b.offset : a.source->order > b.source->order;
}

/* ---- scopes -------------------------------------------------------------------------------------------- */

/* The block of a Peer or a Via in one spelling; false: it is none. */
static bool make_block(struct conf_text name, char block[CONF_KEY_MAX])
{
    char text[CONF_KEY_MAX];
    if (name.size >= sizeof text)
        return false;
    memcpy(text, name.data, name.size);
    text[name.size] = '\0';
    return conf_block_key(text, block);
}

static bool same_name(const struct conf_link *link, struct conf_text name)
{
    char wanted[CONF_KEY_MAX], block[CONF_KEY_MAX];
    struct conf_text other = conf_text_of(link->name);
    if (link->any_name)
        return true;
    if (conf_kind_is_block(conf_text_of(link->kind)) && make_block(name, block) && make_block(other, wanted))
        return strcmp(block, wanted) == 0;
    if (conf_schema_name_has_case(link->kind, name))
        return conf_text_compare(name, other) == 0;
    return conf_text_compare_nocase(name, other) == 0;
}

static void add_stanza(struct conf_stanzas *stanzas, const struct ast_stanza *stanza)
{
    if (stanzas->count == stanzas->capacity) {
        stanzas->capacity = stanzas->capacity ? 2 * stanzas->capacity : 8;
        stanzas->at = conf_resize(stanzas->at, stanzas->capacity, sizeof *stanzas->at);
    }
    stanzas->at[stanzas->count++] = stanza;
}

static int compare_names(const struct indexed *a, const struct indexed *b)
{
    int order = conf_text_compare_nocase(a->stanza->kind, b->stanza->kind);
    return order ? order : conf_text_compare_nocase(a->key, b->key);
}

static int compare_indexed(const void *left, const void *right)
{
    const struct indexed *a = left, *b = right;
    int order = compare_names(a, b);
    return order ? order : (a->order > b->order) - (a->order < b->order);
}

static struct conf_text make_key(struct conf_outline *outline, const struct ast_stanza *stanza)
{
    char block[CONF_KEY_MAX];
    if (!conf_kind_is_block(stanza->kind) || !make_block(stanza->name, block))
        return stanza->name;
    return conf_text_of(conf_arena_text(&outline->loader.arena, block, strlen(block)));
}

static const struct index *get_index(struct conf_outline *outline, const struct ast_stanza *parent)
{
    for (size_t i = 0; i < outline->index_count; i++)
        if (outline->indexes[i].parent == parent)
            return &outline->indexes[i];
    outline->indexes = conf_resize(outline->indexes, outline->index_count + 1, sizeof *outline->indexes);
    struct index *index = &outline->indexes[outline->index_count++];
    index->parent = parent;
    index->children = conf_resize(NULL, parent->stanza_count, sizeof *index->children);
    size_t order = 0;
    for (const struct ast_stanza *child = parent->stanzas; child; child = child->next, order++)
        index->children[order] = (struct indexed){child, make_key(outline, child), order};
    qsort(index->children, order, sizeof *index->children, compare_indexed);
    return index;
}

static void find_in_index(struct conf_outline *outline, const struct ast_stanza *parent,
                          const struct conf_link *link, struct conf_stanzas *found)
{
    const struct index *index = get_index(outline, parent);
    const struct ast_stanza like = {.kind = conf_text_of(link->kind), .name = conf_text_of(link->name)};
    const struct indexed wanted = {.stanza = &like, .key = make_key(outline, &like)};
    size_t low = 0, high = parent->stanza_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (compare_names(&index->children[middle], &wanted) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    for (; low < parent->stanza_count && compare_names(&index->children[low], &wanted) == 0; low++)
        if (same_name(link, index->children[low].stanza->name))
            add_stanza(found, index->children[low].stanza);
}

static void find_children(struct conf_outline *outline, const struct ast_stanza *parent,
                          const struct conf_link *link, struct conf_stanzas *found)
{
    if (parent->stanza_count >= INDEX_FROM && !link->any_name) {
        find_in_index(outline, parent, link, found);
        return;
    }
    for (const struct ast_stanza *child = parent->stanzas; child; child = child->next)
        if (conf_text_is(child->kind, link->kind) && same_name(link, child->name))
            add_stanza(found, child);
}

void conf_outline_find(struct conf_outline *outline, const struct conf_link *links, size_t count,
                       struct conf_stanzas *found)
{
    found->count = 0;
    add_stanza(found, outline->root);
    for (size_t i = 0; i < count; i++) {
        struct conf_stanzas next = {0};
        for (size_t j = 0; j < found->count; j++)
            find_children(outline, found->at[j], &links[i], &next);
        conf_stanzas_free(found);
        *found = next;
    }
}

void conf_stanzas_free(struct conf_stanzas *stanzas)
{
    free(stanzas->at);
    *stanzas = (struct conf_stanzas){0};
}

void conf_outline_fragments(const struct conf_outline *outline, const struct conf_stanzas *stanzas,
                            bool (*visit)(const struct conf_fragment *fragment, void *argument),
                            void *argument)
{
    for (size_t i = 0; i < stanzas->count; i++) {
        const struct ast_stanza *stanza = stanzas->at[i];
        struct conf_fragment fragment = {stanza, {stanza->kind_span.source, stanza->end}};
        if (!visit(&fragment, argument))
            return;
        for (const struct conf_source *source = conf_outline_sources(outline); source;
             source = source->next) {
            if (!source->inclusion || source->inclusion->stanza != stanza)
                continue;
            fragment.end = (struct conf_spot){source, source->size};
            if (!visit(&fragment, argument))
                return;
        }
    }
}
