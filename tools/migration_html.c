/*
 * migration_html: the report as one page, with nothing outside of it and no script. What comes from the
 * configuration is escaped and brought to UTF-8 before it is written.
 */
#include <string.h>
#include <time.h>
#include "base/mem.h"
#include "config.h"
#include "tools/migration.h"
#include "tools/migration_style.h"
#include "base/utf8.h"

enum { PLACES_OPEN = 3, PLACES_SHOWN = 200 }; /* of a finding: at once, and at all */

struct page {
    const struct migration *migration;
    FILE *out;
};

/* ---- escaping ------------------------------------------------------------------------------------------ */

/* Text between tags, or in a quoted attribute; `breakable`: a line may end after any byte of it. */
static void print_broken(const struct page *page, const char *bytes, const char *breakable)
{
    char *text = utf8_clean(bytes);
    for (const char *c = text; *c; c++) {
        switch (*c) {
        case '&':
            fputs("&amp;", page->out);
            break;
        case '<':
            fputs("&lt;", page->out);
            break;
        case '>':
            fputs("&gt;", page->out);
            break;
        case '"':
            fputs("&quot;", page->out);
            break;
        default:
            putc((unsigned char)*c < 32 || *c == 127 ? ' ' : *c, page->out);
        }
        if (strchr(breakable, *c))
            fputs("<wbr>", page->out);
    }
    free(text);
}

static void print_text(const struct page *page, const char *bytes)
{
    print_broken(page, bytes, "");
}

/* A name or a path, in which a line ends rather between the parts than anywhere. */
static void print_name_text(const struct page *page, const char *bytes)
{
    print_broken(page, bytes, "_/");
}

/* <tag class="class">text</tag>; `class` may be NULL. */
static void print_element(const struct page *page, const char *tag, const char *class, const char *text)
{
    fprintf(page->out, "<%s", tag);
    if (class)
        fprintf(page->out, " class=\"%s\"", class);
    putc('>', page->out);
    print_text(page, text);
    fprintf(page->out, "</%s>", tag);
}

static const char *plural(size_t count)
{
    return count == 1 ? "" : "s";
}

/* ---- the head ------------------------------------------------------------------------------------------ */

static void print_head(const struct page *page)
{
    const struct migration *migration = page->migration;
    fputs(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
        "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>Migration report: ",
        page->out);
    print_text(page, migration->configuration);
    fprintf(page->out, "</title>\n<style>\n%s</style>\n</head>\n<body>\n<main>\n", migration_style);
}

static void print_header(const struct page *page)
{
    const struct migration *migration = page->migration;
    char date[64];
    time_t now = time(NULL);
    struct tm local;
    strftime(date, sizeof date, "%-d %B %Y", localtime_r(&now, &local));
    fputs("<header>\n<p class=\"kicker\">From Momentum to Impulse: migration report</p>\n<h1>", page->out);
    print_text(page, migration->configuration);
    fprintf(page->out,
            "</h1>\n<p class=\"meta\">%zu file%s, %zu stanza%s, %zu option%s set &middot; "
            "Impulse " PACKAGE_VERSION " &middot; %s</p>\n</header>\n",
            migration->file_count, plural(migration->file_count), migration->stanzas,
            plural(migration->stanzas), migration->options, plural(migration->options), date);
}

static void print_verdict(const struct page *page)
{
    const struct migration *migration = page->migration;
    size_t word = strcspn(migration->verdict, ":");
    fprintf(page->out, "<p class=\"verdict %s\"><strong>",
            migration_group_word(migration->ready ? MIGRATION_HONOURED : MIGRATION_BLOCKS));
    char *first = mem_copy_text(migration->verdict, word);
    print_text(page, first);
    fputs("</strong>", page->out);
    print_text(page, migration->verdict + word);
    fputs("</p>\n", page->out);
    free(first);
}

static void print_cards(const struct page *page)
{
    fputs("<nav class=\"cards\">\n", page->out);
    for (enum migration_group group = 0; group < MIGRATION_GROUPS; group++) {
        size_t first, count = migration_group(page->migration, group, &first);
        size_t places = migration_places(page->migration, group);
        const char *word = migration_group_word(group);
        fprintf(page->out, "<a class=\"%s\" href=\"#%s\"><b>%zu</b><span>%s</span><small>", word, word, count,
                migration_group_title(group));
        if (group == MIGRATION_DEFAULTS)
            fputs("not set", page->out);
        else
            fprintf(page->out, "in %zu place%s", places, plural(places));
        fputs("</small></a>\n", page->out);
    }
    fputs("</nav>\n", page->out);
}

/* ---- findings ------------------------------------------------------------------------------------------ */

static void print_place(const struct page *page, const struct migration_place *place, const char *scope)
{
    fputs("<code>", page->out);
    print_name_text(page, migration_short_path(page->migration, place->file));
    if (place->line)
        fprintf(page->out, ":%u", place->line);
    fputs("</code>", page->out);
    if (scope && *scope) {
        fputs(" in ", page->out);
        print_text(page, scope);
    }
}

/* Where a finding is; of a stanza or module, the scope is its own and says something when it has a name. */
static const char *scope_of(const struct migration_finding *finding, const struct migration_place *place)
{
    bool itself = finding->kind == MIGRATION_MODULE || finding->kind == MIGRATION_STANZA;
    return place->scope && itself && !strchr(place->scope, '"') ? NULL : place->scope;
}

static void print_places(const struct page *page, const struct migration_finding *finding)
{
    size_t count = finding->place_count;
    if (!count)
        return;
    fputs("<ul class=\"places\">\n", page->out);
    for (size_t i = 0; i < count && i < PLACES_SHOWN; i++) {
        if (i == PLACES_OPEN)
            fprintf(page->out,
                    "</ul>\n<details class=\"places\"><summary>and %zu more</summary><ul class=\"places\">\n",
                    count - PLACES_OPEN);
        fputs("<li>", page->out);
        print_place(page, &finding->places[i], scope_of(finding, &finding->places[i]));
        fputs("</li>\n", page->out);
    }
    if (count > PLACES_SHOWN)
        fprintf(page->out, "<li>and %zu that only the JSON form lists</li>\n", count - PLACES_SHOWN);
    fputs(count > PLACES_OPEN ? "</ul></details>\n" : "</ul>\n", page->out);
}

static void print_name(const struct page *page, const struct migration_finding *finding, const char *tag)
{
    bool badge = finding->kind != MIGRATION_OPTION && finding->kind != MIGRATION_VALUE;
    fprintf(page->out, "<%s class=\"name\">", tag);
    if (badge)
        print_element(page, "span", "badge", migration_kind_word(finding->kind));
    if (finding->kind != MIGRATION_MISTAKE)
        print_name_text(page, finding->name);
    if (*finding->qualifier) {
        putc(' ', page->out);
        print_element(page, "i", NULL, finding->qualifier);
    }
    fprintf(page->out, "</%s>", tag);
}

static void print_finding(const struct page *page, const struct migration_finding *finding)
{
    bool mistake = finding->kind == MIGRATION_MISTAKE;
    fputs("<article class=\"finding\">\n<div>", page->out);
    print_name(page, finding, "p");
    print_places(page, finding);
    fputs("</div>\n<div>", page->out);
    if (mistake)
        print_element(page, "p", NULL, finding->name);
    size_t word = strcspn(finding->note, " ");
    bool sentence = !memchr(finding->note, '_', word); /* it does not begin with the name of an option */
    if (*finding->note)
        print_element(page, "p", sentence ? "note" : NULL, finding->note);
    if (finding->inside)
        fprintf(page->out, "<p class=\"inside\">With %zu option%s set in it.</p>", finding->inside,
                plural(finding->inside));
    if (*finding->instead)
        print_element(page, "p", "instead", finding->instead);
    fputs("</div>\n</article>\n", page->out);
}

/* What is honoured is only listed. */
static void print_item(const struct page *page, const struct migration_finding *finding)
{
    fputs("<li>", page->out);
    print_name(page, finding, "span");
    if (finding->place_count)
        fprintf(page->out, "<small>%zu&times;</small>", finding->place_count);
    fputs("</li>\n", page->out);
}

static void print_group(const struct page *page, enum migration_group group)
{
    size_t first, count = migration_group(page->migration, group, &first);
    const char *word = migration_group_word(group);
    fprintf(page->out, "<section class=\"%s\" id=\"%s\">\n<h2>%s</h2>\n<p class=\"about\">%s</p>\n", word,
            word, migration_group_title(group), count ? migration_group_about(group) : "Nothing.");
    if (group == MIGRATION_HONOURED && count)
        fputs("<ul class=\"list\">\n", page->out);
    for (size_t i = first; i < first + count; i++)
        if (group == MIGRATION_HONOURED)
            print_item(page, &page->migration->findings[i]);
        else
            print_finding(page, &page->migration->findings[i]);
    if (group == MIGRATION_HONOURED && count)
        fputs("</ul>\n", page->out);
    fputs("</section>\n", page->out);
}

/* ---- tables -------------------------------------------------------------------------------------------- */

/* Begins a section with a table; `columns` is the head row as HTML. */
static void begin_table(const struct page *page, const char *title, const char *columns)
{
    fprintf(page->out,
            "<section>\n<h2>%s</h2>\n<div class=\"scroll\"><table>\n<thead><tr>%s</tr></thead>\n<tbody>\n",
            title, columns);
}

static void end_table(const struct page *page)
{
    fputs("</tbody>\n</table></div>\n</section>\n", page->out);
}

static void print_cell(const struct page *page, const char *tag, const char *text)
{
    fputs("<td>", page->out);
    print_element(page, tag, NULL, text);
    fputs("</td>", page->out);
}

static void print_place_cell(const struct page *page, const struct migration_place *place)
{
    fputs("<td class=\"place\">", page->out);
    print_place(page, place, NULL);
    fputs("</td>", page->out);
}

static void print_listeners(const struct page *page)
{
    const struct migration *migration = page->migration;
    if (!migration->listener_count)
        return;
    begin_table(page, "Listeners", "<th>Listener</th><th>Address</th><th>Place</th><th>Here</th>");
    for (size_t i = 0; i < migration->listener_count; i++) {
        const struct migration_listener *listener = &migration->listeners[i];
        fputs("<tr>", page->out);
        print_cell(page, "span", listener->kind);
        print_cell(page, "code", listener->address);
        print_place_cell(page, &listener->place);
        fputs("<td>", page->out);
        fputs(!listener->served ? "not served: " : listener->enabled ? "served" : "not enabled", page->out);
        print_text(page, listener->note);
        fputs("</td></tr>\n", page->out);
    }
    end_table(page);
}

static void print_scripts(const struct page *page)
{
    const struct migration *migration = page->migration;
    if (!migration->script_count)
        return;
    begin_table(page, "Programs that the configuration names",
                "<th>Program</th><th>Kind</th><th>Place</th><th>Stanza</th>");
    for (size_t i = 0; i < migration->script_count; i++) {
        const struct migration_script *script = &migration->scripts[i];
        fputs("<tr>", page->out);
        print_cell(page, "code", script->path);
        print_cell(page, "span", script->what);
        print_place_cell(page, &script->place);
        print_cell(page, "span", script->place.scope ? script->place.scope : "");
        fputs("</tr>\n", page->out);
    }
    end_table(page);
}

static void print_files(const struct page *page)
{
    const struct migration *migration = page->migration;
    if (!migration->file_count)
        return;
    begin_table(page, "Files", "<th>File</th><th>What it is</th>");
    for (size_t i = 0; i < migration->file_count; i++) {
        const struct migration_file *file = &migration->files[i];
        fputs("<tr>", page->out);
        print_cell(page, "code", migration_short_path(migration, file->path));
        fputs(file->read ? "<td>part of the configuration" : "<td>beside the configuration, not part of it",
              page->out);
        if (file->note) {
            fputs("; ", page->out);
            print_text(page, file->note);
        }
        fputs("</td></tr>\n", page->out);
    }
    end_table(page);
}

void migration_print_html(const struct migration *migration, FILE *out)
{
    const struct page page = {migration, out};
    print_head(&page);
    print_header(&page);
    print_verdict(&page);
    print_cards(&page);
    for (enum migration_group group = 0; group < MIGRATION_GROUPS; group++)
        print_group(&page, group);
    print_listeners(&page);
    print_scripts(&page);
    print_files(&page);
    fputs(
        "<footer>\n<p>An option counts once for each scope that sets it. Values are not shown, but where a "
        "value "
        "is itself the finding.</p>\n<p>Whether impulsed starts on a machine also depends on its addresses, "
        "accounts and modules: <code>impulsed -t</code> says it "
        "there.</p>\n</footer>\n</main>\n</body>\n</html>\n",
        out);
}
