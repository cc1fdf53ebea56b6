/*
 * report: collecting diagnostics and printing them with a caret line.
 *
 * Whatever a file holds is printed on terminals, so control bytes are shown as '?', and of a very long line
 * only the part around the column.
 */
#include "confparse/report.h"

#include <stdlib.h>
#include "confparse/memory.h"

enum {
    MESSAGE_MAX = 1024, /* bytes of one message */
    EXCERPT = 160,      /* bytes shown of a line that is longer */
    EXCERPT_BEFORE = 60 /* of these, before the column */
};

struct item {
    struct conf_diagnostic diagnostic;
    unsigned file_order;
    unsigned order;
};

struct conf_report {
    struct conf_arena arena;
    struct item *items;
    size_t count, capacity;
    size_t errors, warnings;
    bool full;
    struct conf_source *sources, **last_source;
    unsigned source_count;
    unsigned references;
};

struct conf_report *conf_report_create(void)
{
    struct conf_report *report = conf_alloc(sizeof *report);
    report->last_source = &report->sources;
    report->references = 1;
    return report;
}

struct conf_report *conf_report_ref(struct conf_report *report)
{
    report->references++;
    return report;
}

const struct conf_source *conf_report_sources(const struct conf_report *report)
{
    return report->sources;
}

void conf_report_take_source(struct conf_report *report, struct conf_source *source)
{
    source->order = report->source_count++;
    *report->last_source = source;
    report->last_source = &source->next;
}

size_t conf_report_count(const struct conf_report *report)
{
    return report->count;
}

const struct conf_diagnostic *conf_report_at(const struct conf_report *report, size_t index)
{
    return index < report->count ? &report->items[index].diagnostic : NULL;
}

size_t conf_report_errors(const struct conf_report *report)
{
    return report->errors;
}

size_t conf_report_warnings(const struct conf_report *report)
{
    return report->warnings;
}

bool conf_report_full(const struct conf_report *report)
{
    return report->full;
}

static struct conf_source *find_source(const struct conf_report *report, const char *file)
{
    for (struct conf_source *source = report->sources; source; source = source->next)
        if (source->name == file || strcmp(source->name, file) == 0)
            return source;
    return NULL;
}

static struct item *new_item(struct conf_report *report, enum conf_severity severity)
{
    report->errors += severity == CONF_ERROR;
    report->warnings += severity == CONF_WARNING;
    if (report->full)
        return NULL;
    if (report->count == report->capacity) {
        report->capacity = report->capacity ? report->capacity * 2 : 16;
        report->items = conf_resize(report->items, report->capacity, sizeof *report->items);
    }
    struct item *item = &report->items[report->count];
    *item = (struct item){.diagnostic.severity = severity, .order = (unsigned)report->count};
    report->count++;
    return item;
}

static void __attribute__((format(printf, 5, 0)))
add(struct conf_report *report, enum conf_severity severity, struct conf_source *source,
    struct conf_diagnostic where, const char *format, va_list arguments)
{
    struct item *item = new_item(report, severity);
    if (!item)
        return;
    char message[MESSAGE_MAX];
    if (report->count == CONF_REPORT_MAX) {
        report->full = true;
        snprintf(message, sizeof message, "too many findings; the rest are not shown");
    } else {
        vsnprintf(message, sizeof message, format, arguments);
    }
    for (char *c = message; *c; c++) /* one line, whatever names it quotes */
        if ((unsigned char)*c < ' ' || *c == 0x7f)
            *c = '?';
    item->diagnostic.message = conf_arena_text(&report->arena, message, strlen(message));
    item->diagnostic.place = where.place;
    item->diagnostic.place.file = conf_arena_text(&report->arena, where.place.file, strlen(where.place.file));
    item->diagnostic.width = where.width ? where.width : 1;
    item->file_order = source ? source->order : report->source_count;
    if (source && where.place.line) {
        struct conf_text line = conf_source_line(source, where.place.line);
        item->diagnostic.source_line = conf_arena_text(&report->arena, line.data, line.size);
    }
}

void conf_report_at_span(struct conf_report *report, enum conf_severity severity, struct conf_span span,
                         const char *format, ...)
{
    struct conf_diagnostic where = {.place = {span.source->name, span.line, span.column},
                                    .width = span.width};
    va_list arguments;
    va_start(arguments, format);
    add(report, severity, (struct conf_source *)span.source, where, format, arguments);
    va_end(arguments);
}

void conf_report_add(struct conf_report *report, enum conf_severity severity, struct conf_place place,
                     const char *format, ...)
{
    struct conf_diagnostic where = {.place = place, .width = 1};
    va_list arguments;
    va_start(arguments, format);
    add(report, severity, find_source(report, place.file), where, format, arguments);
    va_end(arguments);
}

static int compare_items(const void *left, const void *right)
{
    const struct item *a = left, *b = right;
    const struct conf_place *p = &a->diagnostic.place, *q = &b->diagnostic.place;
    if (a->file_order != b->file_order)
        return a->file_order < b->file_order ? -1 : 1;
    if (p->line != q->line)
        return p->line < q->line ? -1 : 1;
    if (p->column != q->column)
        return p->column < q->column ? -1 : 1;
    return (a->order > b->order) - (a->order < b->order);
}

void conf_report_sort(struct conf_report *report)
{
    if (report->count)
        qsort(report->items, report->count, sizeof *report->items, compare_items);
}

/* ---- printing ------------------------------------------------------------------------------------------ */

static bool continues_character(char c) /* a UTF-8 byte that takes no column of its own */
{
    return ((unsigned char)c & 0xc0) == 0x80;
}

static void print_excerpt(const struct conf_diagnostic *diagnostic, FILE *out)
{
    const char *line = diagnostic->source_line;
    size_t size = strlen(line), column = diagnostic->place.column ? diagnostic->place.column - 1 : 0;
    size_t begin = 0, end = size;
    if (column > size)
        column = size;
    if (size > EXCERPT) {
        begin = column > EXCERPT_BEFORE ? column - EXCERPT_BEFORE : 0;
        while (begin < column && continues_character(line[begin]))
            begin++;
        end = size - begin > EXCERPT ? begin + EXCERPT : size;
    }
    fputs("    ", out);
    for (size_t i = begin; i < end; i++)
        putc(line[i] == '\t' || (unsigned char)line[i] >= ' ' ? line[i] : '?', out);
    fputs("\n    ", out);
    for (size_t i = begin; i < column; i++)
        if (!continues_character(line[i]))
            putc(line[i] == '\t' ? '\t' : ' ', out);
    putc('^', out);
    for (size_t i = column + 1; i < end && i < column + diagnostic->width; i++)
        if (!continues_character(line[i]))
            putc('~', out);
    putc('\n', out);
}

static void print_one(const struct conf_diagnostic *diagnostic, FILE *out)
{
    static const char *const severities[] = {
        [CONF_NOTE] = "note", [CONF_WARNING] = "warning", [CONF_ERROR] = "error"};
    const struct conf_place *place = &diagnostic->place;
    if (place->line)
        fprintf(out, "%s:%u:%u: ", place->file, place->line, place->column);
    else
        fprintf(out, "%s: ", place->file);
    fprintf(out, "%s: %s\n", severities[diagnostic->severity], diagnostic->message);
    if (diagnostic->source_line)
        print_excerpt(diagnostic, out);
}

void conf_report_print(const struct conf_report *report, enum conf_severity least, FILE *out)
{
    for (size_t i = 0; i < report->count; i++)
        if (report->items[i].diagnostic.severity >= least)
            print_one(&report->items[i].diagnostic, out);
}

void conf_report_free(struct conf_report *report)
{
    if (!report || --report->references)
        return;
    while (report->sources) {
        struct conf_source *next = report->sources->next;
        conf_source_free(report->sources);
        report->sources = next;
    }
    conf_arena_free(&report->arena);
    free(report->items);
    free(report);
}
