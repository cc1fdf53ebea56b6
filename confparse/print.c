/* print: see print.h and query.h. */
#include "confparse/print.h"

#include <stdlib.h>
#include "confparse/files.h"
#include "confparse/memory.h"
#include "confparse/quote.h"
#include "confparse/spelling.h"
#include "confparse/value.h"

void conf_print_indent(unsigned depth, FILE *out)
{
    fprintf(out, "%*s", (int)(depth * CONF_INDENT), "");
}

void conf_print_option(const char *option, FILE *out)
{
    char spelled[CONF_SPELLING_MAX];
    bool fits = strlen(option) < sizeof spelled;
    fputs(fits ? conf_spell_option(option, spelled) : option, out);
}

void conf_print_heading(const char *kind, const char *name, FILE *out)
{
    char spelled[CONF_SPELLING_MAX];
    bool fits = strlen(kind) < sizeof spelled;
    fputs(fits ? conf_spell_kind(kind, spelled) : kind, out);
    if (*name) {
        putc(' ', out);
        conf_print_quoted(conf_text_of(name), out);
    }
}

/* Strings are quoted, as the manual has them; what is a number, a word or an address is not. */
static void print_scalar(enum conf_type type, const char *text, FILE *out)
{
    struct conf_text scalar = conf_text_of(text);
    if (type == CONF_STRING || type == CONF_ENUM || type == CONF_LIST || type == CONF_DICT)
        conf_print_quoted(scalar, out);
    else
        conf_print_word(scalar, out);
}

static void print_item(const struct conf_value *value, size_t item, FILE *out)
{
    const char *text = value->items[value->type == CONF_DICT ? 2 * item + 1 : item];
    if (value->type == CONF_DICT) {
        conf_print_word(conf_text_of(value->items[2 * item]), out);
        fputs(" = ", out);
    }
    if (conf_value_is_nested(value, item))
        fputs(text, out);
    else
        print_scalar(value->type, text, out);
}

void conf_print_value(const struct conf_value *value, unsigned depth, FILE *out)
{
    bool dictionary = value->type == CONF_DICT;
    if (!dictionary && value->type != CONF_LIST && value->type != CONF_CIDR_LIST) {
        print_scalar(value->type, value->text, out);
        return;
    }
    fputs(dictionary ? "[\n" : "(\n", out);
    for (size_t i = 0; i < value->count; i++) {
        conf_print_indent(depth + 1, out);
        print_item(value, i, out);
        putc('\n', out);
    }
    conf_print_indent(depth, out);
    putc(dictionary ? ']' : ')', out);
}

void conf_print_setting(const char *option, const struct conf_value *value, unsigned depth, FILE *out)
{
    conf_print_indent(depth, out);
    conf_print_option(option, out);
    fputs(" = ", out);
    conf_print_value(value, depth, out);
    putc('\n', out);
}

/* ---- a scope's options ----------------------------------------------------------------------- */

struct placed {
    const char *option;
    const struct conf_value *value;
    size_t file; /* in order of reading */
};

static size_t find_file(const struct conf_files *files, const char *path)
{
    size_t i = 0;
    while (i < conf_files_count(files) && strcmp(conf_files_at(files, i)->path, path) != 0)
        i++;
    return i;
}

static int compare_placed(const void *left, const void *right)
{
    const struct placed *a = left, *b = right;
    const struct conf_place *p = &a->value->place, *q = &b->value->place;
    if (a->file != b->file)
        return a->file < b->file ? -1 : 1;
    if (p->line != q->line)
        return p->line < q->line ? -1 : 1;
    return (p->column > q->column) - (p->column < q->column);
}

void conf_print_settings(const struct conf *conf, const struct conf_scope *scope, unsigned depth, FILE *out)
{
    const struct conf_files *files = conf_get_files(conf);
    size_t count = conf_scope_value_count(scope);
    struct placed *placed = conf_resize(NULL, count, sizeof *placed);
    for (size_t i = 0; i < count; i++) {
        placed[i].value = conf_scope_value_at(scope, i, &placed[i].option);
        const char *file = placed[i].value->place.file;
        bool same = i && placed[i - 1].value->place.file == file;
        placed[i].file = same ? placed[i - 1].file : find_file(files, file);
    }
    qsort(placed, count, sizeof *placed, compare_placed);
    for (size_t i = 0; i < count; i++)
        conf_print_setting(placed[i].option, placed[i].value, depth, out);
    free(placed);
}
