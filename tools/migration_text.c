/* migration_text: the report for a terminal, or for a file that is read in one. */
#include <string.h>
#include "tools/migration.h"
#include "base/utf8.h"

enum { WIDTH_MIN = 40, INDENT = 2, NOTE_INDENT = 6, PLACES_SHOWN = 3, NAME_COLUMN = 44 };

struct page {
    const struct migration *migration;
    FILE *out;
    unsigned width;
    bool colours;
};

enum style { PLAIN, STRONG, FAINT, GOOD, BAD };

static void style(const struct page *page, enum style style)
{
    static const char *const sequences[] = {
        [PLAIN] = "\033[0m",   [STRONG] = "\033[1m", [FAINT] = "\033[2m",
        [GOOD] = "\033[1;32m", [BAD] = "\033[1;31m",
    };
    if (page->colours)
        fputs(sequences[style], page->out);
}

static const char *plural(size_t count)
{
    return count == 1 ? "" : "s";
}

/* ---- lines --------------------------------------------------------------------------------------------- */

/* Columns of `size` bytes, of which continuation bytes of UTF-8 take none. */
static unsigned columns_of(const char *text, size_t size)
{
    unsigned columns = 0;
    for (size_t i = 0; i < size; i++)
        columns += ((unsigned char)text[i] & 0xc0) != 0x80;
    return columns;
}

/* Of one well-formed sequence: U+0080 to U+009F are control characters, too. */
static bool is_control(const char *at, size_t length)
{
    unsigned char first = (unsigned char)at[0];
    return (length == 1 && (first < 32 || first == 127)) ||
           (length == 2 && first == 0xc2 && (unsigned char)at[1] < 0xa0);
}

/* A configuration may hold any byte; a terminal is given neither control characters nor what is not UTF-8. */
static void print_safe(const struct page *page, const char *text, size_t size)
{
    for (const char *at = text; at < text + size;) {
        size_t length = utf8_sequence(at, (size_t)(text + size - at));
        if (length == 0 || is_control(at, length))
            putc('?', page->out);
        else
            fwrite(at, 1, length, page->out);
        at += length ? length : 1;
    }
}

static void print_indent(const struct page *page, unsigned columns)
{
    fprintf(page->out, "%*s", (int)columns, "");
}

/* Words of `text` from column `used` on, broken before page->width and indented by `indent` from then on. */
static void print_wrapped(const struct page *page, unsigned used, unsigned indent, const char *text)
{
    bool first = true;
    for (const char *word = text; *(word += strspn(word, " "));) {
        size_t size = strcspn(word, " ");
        unsigned columns = columns_of(word, size);
        if (!first && used + 1 + columns > page->width) {
            putc('\n', page->out);
            print_indent(page, indent);
            used = indent;
            first = true;
        }
        if (!first)
            putc(' ', page->out);
        print_safe(page, word, size);
        used += columns + !first;
        first = false;
        word += size;
    }
    putc('\n', page->out);
}

static void print_note(const struct page *page, const char *label, const char *note)
{
    if (!*note)
        return;
    print_indent(page, NOTE_INDENT);
    fputs(label, page->out);
    print_wrapped(page, NOTE_INDENT + (unsigned)strlen(label), NOTE_INDENT, note);
}

static void print_heading(const struct page *page, const char *title)
{
    putc('\n', page->out);
    style(page, STRONG);
    fprintf(page->out, "%s\n", title);
    style(page, PLAIN);
}

/* ---- places -------------------------------------------------------------------------------------------- */

static void print_place(const struct page *page, const struct migration_place *place)
{
    const char *file = migration_short_path(page->migration, place->file);
    print_safe(page, file, strlen(file));
    if (place->line)
        fprintf(page->out, ":%u", place->line);
}

static void print_places(const struct page *page, const struct migration_finding *finding, size_t shown)
{
    style(page, FAINT);
    for (size_t i = 0; i < finding->place_count && i < shown; i++) {
        fputs(i ? ", " : "", page->out);
        print_place(page, &finding->places[i]);
    }
    if (finding->place_count > shown)
        fprintf(page->out, " and %zu more", finding->place_count - shown);
    style(page, PLAIN);
}

/* ---- findings ------------------------------------------------------------------------------------------ */

/* Name and qualifier; returns the columns they took. */
static unsigned print_name(const struct page *page, const struct migration_finding *finding)
{
    size_t name = strlen(finding->name), qualifier = strlen(finding->qualifier);
    const char *kind = finding->kind == MIGRATION_MODULE   ? "module "
                       : finding->kind == MIGRATION_STANZA ? "stanza "
                                                           : "";
    fputs(kind, page->out);
    style(page, STRONG);
    print_safe(page, finding->name, name);
    style(page, PLAIN);
    if (qualifier) {
        putc(' ', page->out);
        print_safe(page, finding->qualifier, qualifier);
    }
    return (unsigned)strlen(kind) + columns_of(finding->name, name) +
           (qualifier ? 1 + columns_of(finding->qualifier, qualifier) : 0);
}

static void print_mistake(const struct page *page, const struct migration_finding *finding)
{
    print_indent(page, INDENT);
    if (finding->place_count) {
        print_places(page, finding, PLACES_SHOWN);
        putc('\n', page->out);
        print_indent(page, NOTE_INDENT);
    }
    print_wrapped(page, NOTE_INDENT, NOTE_INDENT, finding->name);
    print_note(page, "Instead: ", finding->instead);
}

static void print_finding(const struct page *page, const struct migration_finding *finding)
{
    if (finding->kind == MIGRATION_MISTAKE) {
        print_mistake(page, finding);
        return;
    }
    print_indent(page, INDENT);
    print_name(page, finding);
    if (finding->place_count) {
        fputs("  ", page->out);
        print_places(page, finding, PLACES_SHOWN);
    }
    putc('\n', page->out);
    print_note(page, "", finding->note);
    if (finding->inside) {
        print_indent(page, NOTE_INDENT);
        fprintf(page->out, "With %zu option%s set in it.\n", finding->inside, plural(finding->inside));
    }
    print_note(page, "Instead: ", finding->instead);
}

/* What is honoured is only listed. */
static void print_line(const struct page *page, const struct migration_finding *finding)
{
    print_indent(page, INDENT);
    unsigned columns = INDENT + print_name(page, finding);
    print_indent(page, columns + 2 <= NAME_COLUMN ? NAME_COLUMN - columns : 2);
    print_places(page, finding, 1);
    putc('\n', page->out);
}

static void print_group(const struct page *page, enum migration_group group)
{
    size_t first, count = migration_group(page->migration, group, &first);
    if (!count)
        return;
    print_heading(page, migration_group_title(group));
    print_wrapped(page, 0, 0, migration_group_about(group));
    putc('\n', page->out);
    for (size_t i = first; i < first + count; i++)
        if (group == MIGRATION_HONOURED)
            print_line(page, &page->migration->findings[i]);
        else
            print_finding(page, &page->migration->findings[i]);
}

/* ---- the rest ------------------------------------------------------------------------------------------ */

static void print_summary(const struct page *page)
{
    const struct migration *migration = page->migration;
    style(page, STRONG);
    fputs("Migration report: ", page->out);
    print_safe(page, migration->configuration, strlen(migration->configuration));
    style(page, PLAIN);
    fprintf(page->out, "\n%zu file%s, %zu stanza%s, %zu option%s set.\n\n", migration->file_count,
            plural(migration->file_count), migration->stanzas, plural(migration->stanzas), migration->options,
            plural(migration->options));
    style(page, migration->ready ? GOOD : BAD);
    print_wrapped(page, 0, 0, migration->verdict);
    style(page, PLAIN);
    putc('\n', page->out);
    for (enum migration_group group = 0; group < MIGRATION_GROUPS; group++) {
        size_t first, count = migration_group(migration, group, &first);
        size_t places = migration_places(migration, group);
        fprintf(page->out, "  %-26s %4zu", migration_group_title(group), count);
        if (group == MIGRATION_DEFAULTS)
            fputs(" that are not set\n", page->out);
        else
            fprintf(page->out, " in %zu place%s\n", places, plural(places));
    }
}

static void print_listeners(const struct page *page)
{
    const struct migration *migration = page->migration;
    if (migration->listener_count)
        print_heading(page, "Listeners");
    for (size_t i = 0; i < migration->listener_count; i++) {
        const struct migration_listener *listener = &migration->listeners[i];
        fprintf(page->out, "  %-20s ", listener->kind);
        print_safe(page, listener->address, strlen(listener->address));
        fputs(!listener->served   ? "  not served: "
              : listener->enabled ? "  served"
                                  : "  not enabled",
              page->out);
        fputs(listener->served ? "" : listener->note, page->out);
        putc('\n', page->out);
    }
}

static void print_scripts(const struct page *page)
{
    const struct migration *migration = page->migration;
    if (migration->script_count)
        print_heading(page, "Programs that the configuration names");
    for (size_t i = 0; i < migration->script_count; i++) {
        const struct migration_script *script = &migration->scripts[i];
        fprintf(page->out, "  %-14s ", script->what);
        print_safe(page, script->path, strlen(script->path));
        fputs("  ", page->out);
        style(page, FAINT);
        print_place(page, &script->place);
        style(page, PLAIN);
        putc('\n', page->out);
    }
}

static void print_files(const struct page *page)
{
    const struct migration *migration = page->migration;
    if (migration->file_count)
        print_heading(page, "Files");
    for (size_t i = 0; i < migration->file_count; i++) {
        const struct migration_file *file = &migration->files[i];
        const char *path = migration_short_path(migration, file->path);
        fputs("  ", page->out);
        print_safe(page, path, strlen(path));
        fputs(file->read ? "\n" : " (beside the configuration, not part of it)\n", page->out);
        print_note(page, "", file->note ? file->note : "");
    }
}

void migration_print_text(const struct migration *migration, unsigned width, bool colours, FILE *out)
{
    const struct page page = {migration, out, width < WIDTH_MIN ? WIDTH_MIN : width, colours};
    print_summary(&page);
    for (enum migration_group group = 0; group < MIGRATION_GROUPS; group++)
        print_group(&page, group);
    print_listeners(&page);
    print_scripts(&page);
    print_files(&page);
}
