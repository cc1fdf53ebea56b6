/* edit: see edit.h. */
#include "confparse/edit.h"

#include <stdio.h>
#include <stdlib.h>
#include "confparse/memory.h"

enum { LINE_MAX_WIDTH = 76 }; /* a list that is longer takes several lines */

struct edit {
    const struct conf_source *source;
    size_t begin, end;
    char *text;
    size_t size;
    size_t order;
};

struct conf_edits {
    struct edit *at;
    size_t count, capacity;
};

struct conf_edits *conf_edits_create(void)
{
    return conf_alloc(sizeof(struct conf_edits));
}

void conf_edits_free(struct conf_edits *edits)
{
    if (!edits)
        return;
    for (size_t i = 0; i < edits->count; i++)
        free(edits->at[i].text);
    free(edits->at);
    free(edits);
}

void conf_edit_text(struct conf_edits *edits, const struct conf_source *source, size_t begin, size_t end,
                    struct conf_text text)
{
    if (edits->count == edits->capacity) {
        edits->capacity = edits->capacity ? 2 * edits->capacity : 16;
        edits->at = conf_resize(edits->at, edits->capacity, sizeof *edits->at);
    }
    struct edit *edit = &edits->at[edits->count];
    *edit = (struct edit){source, begin, end, conf_alloc(text.size + 1), text.size, edits->count};
    if (text.size)
        memcpy(edit->text, text.data, text.size);
    edits->count++;
}

/* ---- layout -------------------------------------------------------------------------------------------- */

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

static bool is_space(char c)
{
    return is_blank(c) || c == '\n' || c == '\r' || c == '\f' || c == '\v';
}

size_t conf_line_begin(const struct conf_source *source, size_t offset)
{
    while (offset && source->text[offset - 1] != '\n')
        offset--;
    return offset;
}

struct conf_text conf_line_blanks(const struct conf_source *source, size_t offset)
{
    size_t begin = conf_line_begin(source, offset), end = begin;
    while (end < source->size && is_blank(source->text[end]))
        end++;
    return (struct conf_text){source->text + begin, end - begin};
}

bool conf_line_indent(const struct conf_source *source, size_t offset, struct conf_text *blanks)
{
    *blanks = conf_line_blanks(source, offset);
    return blanks->data + blanks->size >= source->text + offset;
}

const char *conf_line_end(const struct conf_source *source)
{
    const char *newline = memchr(source->text, '\n', source->size);
    return newline > source->text && newline[-1] == '\r' ? "\r\n" : "\n";
}

void conf_write_value(const char *value, const char *newline, struct conf_text indent, FILE *out)
{
    for (const char *end; (end = strchr(value, '\n')); value = end + 1) {
        fwrite(value, 1, (size_t)(end - value), out);
        fputs(newline, out);
        fwrite(indent.data, 1, indent.size, out);
    }
    fputs(value, out);
}

/* On one line: what separates items are single spaces. */
static void write_flat(const char *value, FILE *out)
{
    for (const char *end; (end = strchr(value, '\n')); value = end + 1) {
        fwrite(value, 1, (size_t)(end - value), out);
        while (end[1] == ' ')
            end++;
        putc(' ', out);
    }
    fputs(value, out);
}

/* ---- editing assignments ------------------------------------------------------------------------------- */

/* Does the value fit in the line where the old one stood, as that one did? */
static bool stays_flat(const struct ast_assignment *assignment, const char *value)
{
    const struct conf_source *source = assignment->span.source;
    size_t begin = assignment->value->span.offset, end = assignment->value->end;
    struct conf_text blanks;
    bool was_flat = !memchr(source->text + begin, '\n', end - begin);
    bool first = conf_line_indent(source, assignment->span.offset, &blanks);
    return !first || (was_flat && blanks.size + strlen(value) < LINE_MAX_WIDTH);
}

void conf_edit_value(struct conf_edits *edits, const struct ast_assignment *assignment, const char *value)
{
    const struct conf_source *source = assignment->span.source;
    const struct ast_value *old = assignment->value;
    bool brackets = *value == '(' || *value == '[';
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    if (!out)
        conf_out_of_memory();
    if (!old->equals && !brackets)
        fputs("= ", out);
    if (stays_flat(assignment, value))
        write_flat(value, out);
    else
        conf_write_value(value, conf_line_end(source), conf_line_blanks(source, assignment->span.offset),
                         out);
    if (old->end < source->size && !is_space(source->text[old->end]) &&
        !strchr("}#/", source->text[old->end]))
        putc(' ', out); /* else two words could become one */
    fclose(out);
    conf_edit_text(edits, source, old->span.offset, old->end, (struct conf_text){text, size});
    free(text);
}

void conf_edit_remove(struct conf_edits *edits, const struct ast_assignment *assignment)
{
    const struct conf_source *source = assignment->span.source;
    size_t begin = assignment->span.offset, end = assignment->value->end, rest = end;
    struct conf_text blanks, nothing = {"", 0}, space = {" ", 1};
    while (rest < source->size && is_blank(source->text[rest]))
        rest++;
    size_t line_end = rest;
    if (line_end < source->size && source->text[line_end] == '\r')
        line_end++;
    bool last = line_end == source->size || source->text[line_end] == '\n';
    if (conf_line_indent(source, begin, &blanks) && last) {
        line_end += line_end < source->size;
        conf_edit_text(edits, source, conf_line_begin(source, begin), line_end, nothing);
    } else {
        bool apart = begin == 0 || is_space(source->text[begin - 1]) || source->text[begin - 1] == '{';
        conf_edit_text(edits, source, begin, rest, apart ? nothing : space);
    }
}

/* ---- making the edits ---------------------------------------------------------------------------------- */

static int compare_edits(const void *left, const void *right)
{
    const struct edit *a = left, *b = right;
    if (a->source->order != b->source->order)
        return a->source->order < b->source->order ? -1 : 1;
    if (a->begin != b->begin)
        return a->begin < b->begin ? -1 : 1;
    return (a->order > b->order) - (a->order < b->order);
}

/* The text of a source with its `count` edits made. Where two of them meet, the first one has it. */
static struct conf_content *edit_source(const struct conf_source *source, const struct edit *edits,
                                        size_t count)
{
    size_t size = source->size, done = 0, filled = 0;
    for (size_t i = 0; i < count; i++)
        size += edits[i].size;
    char *text = conf_alloc(size + 1);
    for (size_t i = 0; i < count; i++) {
        if (edits[i].begin > done) {
            memcpy(text + filled, source->text + done, edits[i].begin - done);
            filled += edits[i].begin - done;
        }
        memcpy(text + filled, edits[i].text, edits[i].size);
        filled += edits[i].size;
        if (edits[i].end > done)
            done = edits[i].end;
    }
    memcpy(text + filled, source->text + done, source->size - done);
    filled += source->size - done;
    struct conf_content *content = conf_content_create(text, filled);
    free(text);
    return content;
}

struct conf_files *conf_edits_apply(struct conf_edits *edits, const struct conf_files *files)
{
    struct conf_files *edited = conf_files_copy(files);
    if (edits->count)
        qsort(edits->at, edits->count, sizeof *edits->at, compare_edits);
    for (size_t i = 0, same; i < edits->count; i += same) {
        const struct conf_source *source = edits->at[i].source;
        for (same = 1; i + same < edits->count && edits->at[i + same].source == source; same++)
            ;
        conf_file_replace(conf_files_find(edited, source->name), edit_source(source, &edits->at[i], same));
    }
    return edited;
}
