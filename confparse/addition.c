/* addition: see addition.h. The stanzas of a parent are found by uthash. */
#include "confparse/addition.h"

#include <stdio.h>
#include <stdlib.h>
#include "confparse/memory.h"
#include "confparse/print.h"

#define uthash_fatal(message) conf_out_of_memory()
#include <uthash.h>

struct setting {
    struct setting *next;
    const char *option, *value;
};

struct stanza { /* one that is added; at the top the fragment, which has no link */
    const struct conf_link *link;
    struct setting *settings, **last_setting;
    struct stanza *stanzas; /* a table that keeps the order in which they were added */
    UT_hash_handle hh;
};

struct place {
    struct place *next;
    struct conf_fragment fragment;
    struct stanza content;
};

struct conf_additions {
    struct conf_arena arena;
    struct place *places, *last_place;
};

struct conf_additions *conf_additions_create(void)
{
    return conf_alloc(sizeof(struct conf_additions));
}

/* The memory of the tables; the stanzas are in the arena. */
static void forget_stanzas(struct stanza *parent)
{
    for (struct stanza *stanza = parent->stanzas; stanza; stanza = stanza->hh.next)
        forget_stanzas(stanza);
    HASH_CLEAR(hh, parent->stanzas);
}

void conf_additions_free(struct conf_additions *additions)
{
    if (!additions)
        return;
    for (struct place *place = additions->places; place; place = place->next)
        forget_stanzas(&place->content);
    conf_arena_free(&additions->arena);
    free(additions);
}

/* ---- collecting ---------------------------------------------------------------------------------------- */

static struct place *get_place(struct conf_additions *additions, const struct conf_fragment *fragment)
{
    for (struct place *place = additions->places; place; place = place->next)
        if (place->fragment.end.source == fragment->end.source &&
            place->fragment.end.offset == fragment->end.offset)
            return place;
    struct place *place = conf_arena_alloc(&additions->arena, sizeof *place);
    place->fragment = *fragment;
    place->content.last_setting = &place->content.settings;
    if (additions->last_place)
        additions->last_place->next = place;
    else
        additions->places = place;
    additions->last_place = place;
    return place;
}

/* Under which a stanza is found; `size` bytes with a NUL between kind and name. */
static const char *make_key(struct conf_arena *arena, const struct conf_link *link, size_t *size)
{
    size_t kind = strlen(link->kind) + 1, name = link->any_name ? 0 : strlen(link->name);
    char *key = conf_arena_alloc(arena, kind + name);
    memcpy(key, link->kind, kind);
    memcpy(key + kind, link->name, name);
    *size = kind + name;
    return key;
}

static struct stanza *get_stanza(struct conf_additions *additions, struct stanza *parent,
                                 const struct conf_link *link)
{
    size_t size;
    const char *key = make_key(&additions->arena, link, &size);
    struct stanza *stanza;
    HASH_FIND(hh, parent->stanzas, key, size, stanza);
    if (stanza)
        return stanza;
    stanza = conf_arena_alloc(&additions->arena, sizeof *stanza);
    stanza->link = link;
    stanza->last_setting = &stanza->settings;
    HASH_ADD_KEYPTR(hh, parent->stanzas, key, size, stanza);
    return stanza;
}

void conf_addition_set(struct conf_additions *additions, const struct conf_fragment *fragment,
                       const struct conf_link *links, size_t count, const char *option, const char *value)
{
    struct stanza *stanza = &get_place(additions, fragment)->content;
    for (size_t i = 0; i < count; i++)
        stanza = get_stanza(additions, stanza, &links[i]);
    struct setting *setting = conf_arena_alloc(&additions->arena, sizeof *setting);
    setting->option = option;
    setting->value = value;
    *stanza->last_setting = setting;
    stanza->last_setting = &setting->next;
}

/* ---- writing ------------------------------------------------------------------------------------------- */

struct layout {
    const char *newline;
    char *indent; /* of the content */
    size_t size, capacity;
    FILE *out;
};

static void indent_by(struct layout *layout, const char *blanks, size_t size)
{
    if (layout->size + size > layout->capacity) {
        layout->capacity = 2 * (layout->size + size);
        layout->indent = conf_resize(layout->indent, layout->capacity, 1);
    }
    if (size)
        memcpy(layout->indent + layout->size, blanks, size);
    layout->size += size;
}

static void begin_line(const struct layout *layout)
{
    if (layout->size)
        fwrite(layout->indent, 1, layout->size, layout->out);
}

static void write_stanza(struct layout *layout, const struct stanza *stanza)
{
    for (const struct setting *setting = stanza->settings; setting; setting = setting->next) {
        begin_line(layout);
        conf_print_option(setting->option, layout->out);
        fputs(" = ", layout->out);
        conf_write_value(setting->value, layout->newline,
                         (struct conf_text){layout->size ? layout->indent : "", layout->size}, layout->out);
        fputs(layout->newline, layout->out);
    }
    for (const struct stanza *child = stanza->stanzas; child; child = child->hh.next) {
        begin_line(layout);
        conf_print_heading(child->link->kind, child->link->name, layout->out);
        fprintf(layout->out, " {%s", layout->newline);
        indent_by(layout, "  ", CONF_INDENT);
        write_stanza(layout, child);
        layout->size -= CONF_INDENT;
        begin_line(layout);
        fprintf(layout->out, "}%s", layout->newline);
    }
}

/* The indentation of the last statement of the fragment that begins a line. */
static bool find_indent(const struct conf_fragment *fragment, struct conf_text *blanks)
{
    const struct conf_source *source = fragment->end.source;
    bool found = false;
    struct conf_text other;
    for (const struct ast_stanza *at = fragment->stanza->stanzas; at; at = at->next)
        if (at->kind_span.source == source && conf_line_indent(source, at->kind_span.offset, &other)) {
            *blanks = other;
            found = true;
        }
    for (const struct ast_assignment *at = fragment->stanza->assignments; at; at = at->next)
        if (at->span.source == source && conf_line_indent(source, at->span.offset, &other)) {
            *blanks = other;
            found = true;
        }
    return found;
}

static void write_place(const struct place *place, struct conf_edits *edits)
{
    const struct conf_fragment *fragment = &place->fragment;
    const struct conf_source *source = fragment->end.source;
    size_t begin = fragment->end.offset, end = begin;
    struct conf_text blanks = {"", 0}, closing = {"", 0};
    bool braces = begin < source->size, own_line = true;
    char *text = NULL;
    size_t size = 0;
    struct layout layout = {.newline = conf_line_end(source), .out = open_memstream(&text, &size)};
    if (!layout.out)
        conf_out_of_memory();
    if (braces) {
        own_line = conf_line_indent(source, end, &closing);
        if (!own_line)
            closing = conf_line_blanks(source, fragment->stanza->kind_span.offset);
        while (begin > 0 && (source->text[begin - 1] == ' ' || source->text[begin - 1] == '\t'))
            begin--;
    } else {
        own_line = begin == 0 || source->text[begin - 1] == '\n';
    }
    if (find_indent(fragment, &blanks)) {
        indent_by(&layout, blanks.data, blanks.size);
    } else {
        indent_by(&layout, closing.data, closing.size);
        indent_by(&layout, "  ", braces ? CONF_INDENT : 0);
    }
    if (!own_line)
        fputs(layout.newline, layout.out);
    write_stanza(&layout, &place->content);
    if (braces)
        fwrite(closing.data, 1, closing.size, layout.out);
    fclose(layout.out);
    conf_edit_text(edits, source, begin, end, (struct conf_text){text, size});
    free(text);
    free(layout.indent);
}

void conf_additions_write(const struct conf_additions *additions, struct conf_edits *edits)
{
    for (const struct place *place = additions->places; place; place = place->next)
        write_place(place, edits);
}
