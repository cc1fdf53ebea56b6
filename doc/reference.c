/*
 * reference: writes the option reference from the tables: options.def, values.def, momentum_modules.def, and
 * the manifests of the modules that come along.
 *
 * usage: reference markdown|mdoc [MANIFEST ...] >FILE
 */
#include <stdlib.h>
#include <string.h>
#include "confparse/confparse.h"
#include "form.h"
#include "module/manifest.h"

static const struct form *form;

/* ---- pieces of text ------------------------------------------------------------------------------------ */

static void text(const char *words)
{
    form->put_text(words, stdout);
}

static void code(const char *words)
{
    fputs(form->code_begin, stdout);
    form->put_code(words, stdout);
    fputs(form->code_end, stdout);
}

static void begin_item(const char *words)
{
    fputs(form->item_begin, stdout);
    text(words);
}

static void end_item(void)
{
    fputs(form->item_end, stdout);
}

static void section(const char *title)
{
    fputs(form->section_begin, stdout);
    form->put_title(title, stdout);
    fputs(form->section_end, stdout);
}

/* The pieces of `list` between separators, as code: a, b LAST c. */
static void code_list(const char *list, char separator, const char *last)
{
    const char separators[] = {separator, '\0'};
    char piece[128];
    for (bool first = true; *list; first = false) {
        size_t size = strcspn(list, separators);
        snprintf(piece, sizeof piece, "%.*s", (int)size, list);
        text(first ? "" : list[size] ? ", " : last);
        code(piece);
        list += size + (list[size] == separator);
    }
}

/* ---- what a row says ----------------------------------------------------------------------------------- */

static const char *const types[] = {
    [CONF_BOOL] = "true or false",
    [CONF_INT] = "whole number",
    [CONF_SIZE] = "bytes, with k, m or g for 1024 and its powers",
    [CONF_DURATION] = "seconds",
    [CONF_MODE] = "octal file mode",
    [CONF_PORT] = "port",
    [CONF_STRING] = "text",
    [CONF_ENUM] = "one of",
    [CONF_ADDRESS] = "address",
    [CONF_CIDR] = "address block",
    [CONF_LIST] = "list",
    [CONF_CIDR_LIST] = "list of address blocks",
    [CONF_DICT] = "dictionary",
    [CONF_THROTTLE] = "events a second, or \"events/seconds\"",
};

/* Words and a range, "auto=-2|none=-1|0..", as ": auto, none, or from 0 to 100". */
static void write_range(const char *choices)
{
    const char *range = strrchr(choices, '|');
    range = range ? range + 1 : choices;
    const char *dots = strstr(range, "..");
    char piece[64];
    text(": ");
    for (const char *word = choices; word < range; word = strchr(word, '|') + 1) {
        snprintf(piece, sizeof piece, "%.*s", (int)strcspn(word, "=|"), word);
        code(piece);
        text(", ");
    }
    if (!dots)
        return;
    if (range > choices)
        text("or ");
    if (dots > range) {
        snprintf(piece, sizeof piece, "from %.*s", (int)(dots - range), range);
        text(piece);
    }
    if (dots[2]) {
        text(dots > range ? " to " : "up to ");
        text(dots + 2);
    } else {
        text(" on");
    }
}

static void write_type(const struct conf_option *row)
{
    begin_item("Type: ");
    text(types[row->type]);
    if (row->type == CONF_ENUM) {
        text(" ");
        code_list(row->choices, '|', " or ");
    } else if (row->choices && strstr(row->choices, "..")) {
        write_range(row->choices);
    }
    text("; ");
    text(row->default_text ? "default " : "no default");
    if (row->default_text)
        code(row->default_text);
    end_item();
}

static const char *const levels[] = {
    [CONF_HONOURED] = "Here: ",
    [CONF_DIFFERENT] = "Differs from Momentum: ",
    [CONF_ACCEPTED] = "Without effect: ",
    [CONF_UNSUPPORTED] = "Refused, because it would be dangerous to pass over: ",
};

static void write_support(enum conf_support support, const char *note, const char *instead)
{
    text(levels[support]);
    text(note);
    if (instead) {
        text("; instead: ");
        text(instead);
    }
    end_item();
}

static void write_exceptions(const char *option)
{
    for (size_t i = 0; i < conf_exception_count(); i++) {
        const struct conf_exception *exception = conf_exception_at(i);
        if (strcmp(exception->option, option) != 0)
            continue;
        begin_item(exception->value ? "Value " : "In ");
        code(exception->value ? exception->value : exception->stanza);
        text(". ");
        write_support(exception->support, exception->note, exception->instead);
    }
    for (size_t i = 0; i < conf_other_default_count(); i++) {
        const struct conf_other_default *other = conf_other_default_at(i);
        if (strcmp(other->option, option) != 0)
            continue;
        begin_item("Not set. Momentum: ");
        text(other->theirs);
        text(". Here: ");
        text(other->ours);
        end_item();
    }
}

static void begin_entry(const char *name, const char *rest)
{
    fputs(form->entry_begin, stdout);
    text(name);
    text(rest);
    fputs(form->entry_end, stdout);
}

static void write_option(const struct conf_option *row)
{
    begin_entry(row->name, "");
    begin_item("");
    write_support(row->support, row->note, row->instead);
    write_exceptions(row->name);
    write_type(row);
    begin_item("In: ");
    code_list(row->scopes, ',', " and ");
    end_item();
    begin_item(row->dynamic ? "May change at a reload" : "Changes at a restart");
    end_item();
}

static bool is_listed(const char *list, const char *name)
{
    size_t size = strlen(name);
    for (const char *at = list; (at = strstr(at, name)); at++)
        if ((at == list || at[-1] == ',') && (at[size] == ',' || !at[size]))
            return true;
    return false;
}

static void write_options_of(const char *stanza)
{
    size_t count = 0;
    for (size_t i = 0; i < conf_option_count(); i++) {
        const struct conf_option *option = conf_option_at(i);
        if (option->type == CONF_SCOPE || !is_listed(option->scopes, stanza))
            continue;
        if (count++)
            text(", ");
        else
            begin_item("Options: ");
        text(option->name);
    }
    if (count)
        end_item();
}

static void write_stanza(const struct conf_option *row)
{
    static const char *const names[][2] = {
        {"named", " \"name\" { }"}, {"unnamed", " { }"}, {"optional", " [\"name\"] { }"}};
    size_t naming = 0;
    while (strcmp(names[naming][0], row->choices) != 0)
        naming++;
    begin_entry(row->name, names[naming][1]);
    begin_item("");
    write_support(row->support, row->note, row->instead);
    begin_item("In: ");
    code_list(row->scopes, ',', " and ");
    end_item();
    write_options_of(row->name);
}

/* ---- modules ------------------------------------------------------------------------------------------- */

/* What the manual's module of the same name says about an option, or NULL. */
static const char *documented_note(const char *module, const char *option)
{
    const struct conf_documented *documented = conf_documented_find(module);
    size_t count = 0;
    const struct conf_option *rows = documented ? conf_documented_options(documented, &count) : NULL;
    for (size_t i = 0; i < count; i++)
        if (strcmp(rows[i].name, option) == 0 && !*rows[i].scopes)
            return rows[i].note;
    return NULL;
}

/* An option of the module's stanza, of a stanza in it, or (`added`) of scopes of the core. */
static void write_module_option(const char *module, const struct conf_option *option, bool added)
{
    const char *note = option->note && *option->note ? option->note : documented_note(module, option->name);
    char name[128];
    snprintf(name, sizeof name, "%s%s%s", added ? "" : option->scopes, added || !*option->scopes ? "" : "/",
             option->name);
    begin_item("");
    code(name);
    text(": ");
    text(option->type == CONF_SCOPE ? "a stanza" : types[option->type]);
    if (option->type == CONF_ENUM) {
        text(" ");
        code_list(option->choices, '|', " or ");
    }
    if (option->default_text) {
        text(", default ");
        code(option->default_text);
    }
    if (added) {
        text(", in ");
        code_list(option->scopes, ',', " or ");
    }
    text(note ? "; " : "");
    text(note ? note : "");
    end_item();
}

static bool write_manifest(const char *file)
{
    struct manifest manifest = {0};
    char error[512];
    if (!manifest_read(&manifest, file, error, sizeof error)) {
        fprintf(stderr, "reference: %s\n", error);
        manifest_release(&manifest);
        return false;
    }
    begin_entry(manifest.name, manifest.singleton ? " { }" : " \"name\" { }");
    begin_item("");
    text(manifest.description);
    end_item();
    for (size_t i = 0; i < manifest.option_count; i++)
        write_module_option(manifest.name, &manifest.options[i], false);
    for (size_t i = 0; i < manifest.added_count; i++)
        write_module_option(manifest.name, &manifest.added[i], true);
    manifest_release(&manifest);
    return true;
}

static bool is_here(const char *module, char *const *manifests)
{
    for (; *manifests; manifests++) {
        const char *base = strrchr(*manifests, '/');
        base = base ? base + 1 : *manifests;
        size_t size = strlen(module);
        if (strncmp(base, module, size) == 0 && strcmp(base + size, ".ecm") == 0)
            return true;
    }
    return false;
}

static void write_documented(const struct conf_documented *module)
{
    size_t count;
    const struct conf_option *rows = conf_documented_options(module, &count);
    begin_entry(module->name, "");
    begin_item("");
    write_support(module->support, module->what ? module->what : "a module of Momentum", module->instead);
    for (size_t i = 0; i < count; i++) {
        begin_item("");
        code(rows[i].name);
        if (*rows[i].scopes) {
            text(" in ");
            code(rows[i].scopes);
        }
        text(rows[i].type == CONF_SCOPE ? " (stanza): " : ": ");
        text(rows[i].note);
        end_item();
    }
}

/* ---- the whole ----------------------------------------------------------------------------------------- */

static void write_rows(const char *title, bool stanzas, void (*write)(const struct conf_option *row))
{
    section(title);
    fputs(form->entries_begin, stdout);
    for (size_t i = 0; i < conf_option_count(); i++)
        if ((conf_option_at(i)->type == CONF_SCOPE) == stanzas)
            write(conf_option_at(i));
    fputs(form->entries_end, stdout);
}

int main(int count, char **arguments)
{
    bool fine = true;
    form = count > 1 && strcmp(arguments[1], "mdoc") == 0 ? &form_mdoc : &form_markdown;
    if (count < 2) {
        fputs("usage: reference markdown|mdoc [MANIFEST ...] >FILE\n", stderr);
        return 1;
    }
    fputs(form->head, stdout);
    write_rows("Options", false, write_option);
    write_rows("Stanzas", true, write_stanza);
    section("Modules that come along");
    fputs(form->entries_begin, stdout);
    for (int i = 2; i < count; i++)
        fine = write_manifest(arguments[i]) && fine;
    fputs(form->entries_end, stdout);
    section("Other modules of Momentum");
    fputs(form->entries_begin, stdout);
    for (size_t i = 0; i < conf_documented_count(); i++)
        if (!is_here(conf_documented_at(i)->name, arguments + 2))
            write_documented(conf_documented_at(i));
    fputs(form->entries_end, stdout);
    return fflush(stdout) == 0 && fine ? 0 : 1;
}
