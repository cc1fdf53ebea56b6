/* flatten: see flatten.h. */
#include "confparse/flatten.h"

#include <stdlib.h>
#include "confparse/memory.h"
#include "confparse/outline.h"

struct cut { /* what does not stay as it is */
    const struct conf_source *source;
    size_t begin, end;
    const struct ast_inclusion *inclusion; /* NULL: it is left out */
};

struct flattening {
    const struct conf_outline *outline;
    struct cut *cuts; /* in order of source and offset */
    size_t count, capacity;
    FILE *out;
    char last; /* byte that was written */
};

static void add_cut(struct flattening *flattening, struct cut cut)
{
    if (flattening->count == flattening->capacity) {
        flattening->capacity = flattening->capacity ? 2 * flattening->capacity : 16;
        flattening->cuts = conf_resize(flattening->cuts, flattening->capacity, sizeof *flattening->cuts);
    }
    flattening->cuts[flattening->count++] = cut;
}

static int compare_cuts(const void *left, const void *right)
{
    const struct cut *a = left, *b = right;
    if (a->source->order != b->source->order)
        return a->source->order < b->source->order ? -1 : 1;
    return (a->begin > b->begin) - (a->begin < b->begin);
}

static bool is_left_out(struct conf_text name)
{
    return conf_text_is(name, "local_changes_file") || conf_text_is(name, "local_changes_only");
}

/* Returns how many statements are left out. */
static size_t find_cuts(struct flattening *flattening, struct conf_outline *outline)
{
    struct conf_stanzas root = {0};
    size_t left_out = 0;
    conf_outline_find(outline, NULL, 0, &root);
    for (const struct ast_assignment *at = root.at[0]->assignments; at; at = at->next)
        if (is_left_out(at->name)) {
            add_cut(flattening, (struct cut){at->span.source, at->span.offset, at->value->end, NULL});
            left_out++;
        }
    conf_stanzas_free(&root);
    for (const struct ast_inclusion *at = conf_outline_inclusions(outline); at; at = at->next)
        if (!at->at_end)
            add_cut(flattening, (struct cut){at->span.source, at->begin, at->end, at});
    if (flattening->count)
        qsort(flattening->cuts, flattening->count, sizeof *flattening->cuts, compare_cuts);
    return left_out;
}

static void write_bytes(struct flattening *flattening, const char *text, size_t size)
{
    if (!size)
        return;
    fwrite(text, 1, size, flattening->out);
    flattening->last = text[size - 1];
}

static void begin_line(struct flattening *flattening)
{
    if (flattening->last && flattening->last != '\n')
        write_bytes(flattening, "\n", 1);
}

static void write_comment(struct flattening *flattening, const char *what, const char *path)
{
    begin_line(flattening);
    fprintf(flattening->out, "# %s ", what);
    for (; *path; path++)
        putc((unsigned char)*path < ' ' ? '?' : *path, flattening->out);
    write_bytes(flattening, "\n", 1);
}

static void write_source(struct flattening *flattening, const struct conf_source *source);

/* The files of an include statement, or what is read at the end without one. */
static void write_included(struct flattening *flattening, const struct ast_inclusion *inclusion)
{
    const struct conf_source *source = conf_outline_sources(flattening->outline);
    for (; source; source = source->next) {
        if (source->inclusion != inclusion)
            continue;
        write_comment(flattening, "begin of", source->name);
        write_source(flattening, source);
        write_comment(flattening, "end of", source->name);
    }
}

static void write_source(struct flattening *flattening, const struct conf_source *source)
{
    bool marked = source->size >= 3 && memcmp(source->text, "\xef\xbb\xbf", 3) == 0; /* a byte order mark */
    size_t done = marked ? 3 : 0;
    for (size_t i = 0; i < flattening->count; i++) {
        const struct cut *cut = &flattening->cuts[i];
        if (cut->source != source)
            continue;
        write_bytes(flattening, source->text + done, cut->begin - done);
        if (cut->inclusion)
            write_included(flattening, cut->inclusion);
        else
            write_bytes(flattening, " ", 1);
        done = cut->end;
    }
    write_bytes(flattening, source->text + done, source->size - done);
}

void conf_flatten(const struct conf_files *files, FILE *out, bool *left_out)
{
    struct conf_outline *outline = conf_outline_create(files);
    struct flattening flattening = {.outline = outline, .out = out};
    *left_out = find_cuts(&flattening, outline) > 0;
    write_source(&flattening, conf_outline_sources(outline));
    for (const struct ast_inclusion *at = conf_outline_inclusions(outline); at; at = at->next)
        if (at->at_end)
            write_included(&flattening, at);
    begin_line(&flattening);
    free(flattening.cuts);
    conf_outline_free(outline);
}
