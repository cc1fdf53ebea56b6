/* placement: see placement.h. */
#include "confparse/placement.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include "confparse/memory.h"

struct conf_rules {
    const struct conf_files *files;
    bool local_changes_only;
    bool *writable; /* of each entry */
};

/* ---- what can be written ------------------------------------------------------------------------------- */

static bool may_write(const char *path)
{
    return faccessat(AT_FDCWD, path, W_OK, AT_EACCESS) == 0;
}

/* A file is saved by putting another one in its place, so its directory is written to, too. */
static bool may_write_beside(const char *path)
{
    char directory[PATH_MAX];
    const char *slash = strrchr(path, '/');
    int length = slash ? (int)(slash - path) : 1;
    if (slash == path)
        length = 1;
    if (length >= PATH_MAX)
        return false;
    snprintf(directory, sizeof directory, "%.*s", length, slash ? path : ".");
    return may_write(directory);
}

static bool can_write(const struct conf_file_entry *entry)
{
    char path[PATH_MAX];
    if (entry->file.read_only)
        return false;
    if (entry->in_memory)
        return true;
    if (entry->disk->missing)
        return may_write_beside(entry->file.path);
    return realpath(entry->file.path, path) && may_write(path) && may_write_beside(path);
}

struct conf_rules *conf_rules_create(const struct conf_files *files, bool local_changes_only)
{
    struct conf_rules *rules = conf_alloc(sizeof *rules);
    rules->files = files;
    rules->local_changes_only = local_changes_only;
    rules->writable = conf_resize(NULL, files->count, sizeof *rules->writable);
    for (size_t i = 0; i < files->count; i++) {
        const struct conf_file_entry *entry = &files->entries[i];
        rules->writable[i] = (!local_changes_only || entry->role == CONF_FILE_LOCAL) && can_write(entry);
    }
    return rules;
}

void conf_rules_free(struct conf_rules *rules)
{
    if (!rules)
        return;
    free(rules->writable);
    free(rules);
}

static const struct conf_file_entry *entry_of(const struct conf_rules *rules,
                                              const struct conf_source *source)
{
    return conf_files_find(rules->files, source->name);
}

static bool is_writable(const struct conf_rules *rules, const struct conf_file_entry *entry)
{
    return entry && rules->writable[entry - rules->files->entries];
}

/* ---- setting ------------------------------------------------------------------------------------------- */

static const struct ast_assignment *find_last(const struct conf_stanzas *stanzas, const char *option)
{
    const struct ast_assignment *last = NULL;
    for (size_t i = 0; i < stanzas->count; i++)
        for (const struct ast_assignment *at = stanzas->at[i]->assignments; at; at = at->next)
            if (conf_text_is(at->name, option))
                last = at;
    return last;
}

struct search {
    const struct conf_rules *rules;
    const struct ast_assignment *last;  /* which it must come after, or NULL */
    bool has_local;                     /* Local_Changes_File takes what else the virtual file would */
    const struct conf_file_entry *file; /* in which it must be; NULL: in the first one that can be written */
    struct conf_fragment fragment;
    bool found;
};

static bool comes_after(const struct conf_spot *spot, const struct ast_assignment *last)
{
    return !last || conf_spot_after(*spot, (struct conf_spot){last->span.source, last->span.offset});
}

static bool is_first_writable(const struct conf_fragment *fragment, void *argument)
{
    struct search *search = argument;
    const struct conf_file_entry *entry = entry_of(search->rules, fragment->end.source);
    if (!is_writable(search->rules, entry) || !comes_after(&fragment->end, search->last) ||
        (entry->role == CONF_FILE_VIRTUAL && search->has_local))
        return true;
    search->fragment = *fragment;
    search->found = true;
    return false;
}

/* Keeps the last one in the file. */
static bool is_in_file(const struct conf_fragment *fragment, void *argument)
{
    struct search *search = argument;
    if (strcmp(fragment->end.source->name, search->file->file.path) == 0 &&
        comes_after(&fragment->end, search->last)) {
        search->fragment = *fragment;
        search->found = true;
    }
    return true;
}

/* Where the deepest scope on the way ends in that file. */
static bool attach(struct conf_outline *outline, struct search *search, const struct conf_link *links,
                   size_t count, size_t *made)
{
    for (size_t depth = count + 1; depth-- > 0 && !search->found;) {
        struct conf_stanzas stanzas = {0};
        conf_outline_find(outline, links, depth, &stanzas);
        conf_outline_fragments(outline, &stanzas, is_in_file, search);
        conf_stanzas_free(&stanzas);
        *made = depth;
    }
    return search->found;
}

static void explain(const struct search *search, const char *option, char problem[CONF_PLACE_PROBLEM])
{
    const struct ast_assignment *last = search->last;
    const struct conf_file_entry *local = conf_files_find_role(search->rules->files, CONF_FILE_LOCAL);
    if (search->rules->local_changes_only)
        snprintf(problem, CONF_PLACE_PROBLEM,
                 "Local_Changes_Only is set, and Local_Changes_File %s cannot be written",
                 local ? local->file.path : "");
    else
        snprintf(problem, CONF_PLACE_PROBLEM,
                 "%s is set at %s:%u, which cannot be written, and no file that is read after it can", option,
                 last ? last->span.source->name : "", last ? last->span.line : 0);
}

bool conf_place_setting(struct conf_outline *outline, const struct conf_rules *rules,
                        const struct conf_link *links, size_t count, const char *option,
                        const struct ast_assignment **replaced, struct conf_fragment *fragment, size_t *made,
                        char problem[CONF_PLACE_PROBLEM])
{
    static const enum conf_file_role others[] = {CONF_FILE_LOCAL, CONF_FILE_MAIN, CONF_FILE_VIRTUAL};
    struct search search = {.rules = rules};
    struct conf_stanzas stanzas = {0};
    search.has_local = is_writable(rules, conf_files_find_role(rules->files, CONF_FILE_LOCAL));
    conf_outline_find(outline, links, count, &stanzas);
    search.last = find_last(&stanzas, option);
    *replaced = NULL;
    *made = count;
    if (search.last && is_writable(rules, entry_of(rules, search.last->span.source)))
        *replaced = search.last;
    else
        conf_outline_fragments(outline, &stanzas, is_first_writable, &search);
    conf_stanzas_free(&stanzas);
    for (size_t i = 0; !*replaced && !search.found && i < sizeof others / sizeof *others; i++) {
        search.file = conf_files_find_role(rules->files, others[i]);
        if (is_writable(rules, search.file))
            attach(outline, &search, links, count, made);
    }
    *fragment = search.fragment;
    if (*replaced || search.found)
        return true;
    explain(&search, option, problem);
    return false;
}

/* ---- removing ------------------------------------------------------------------------------------------ */

static void add_removed(struct conf_removal *removal, const struct ast_assignment *assignment)
{
    if (removal->count == removal->capacity) {
        removal->capacity = removal->capacity ? 2 * removal->capacity : 8;
        removal->removed = conf_resize(removal->removed, removal->capacity, sizeof *removal->removed);
    }
    removal->removed[removal->count++] = assignment;
}

static void remove_from(const struct conf_rules *rules, const struct ast_stanza *stanza, const char *option,
                        struct conf_removal *removal)
{
    for (const struct ast_assignment *at = stanza->assignments; at; at = at->next) {
        if (option && !conf_text_is(at->name, option))
            continue;
        if (is_writable(rules, entry_of(rules, at->span.source))) {
            add_removed(removal, at);
        } else {
            removal->first = removal->kept++ ? removal->first : at;
        }
    }
    for (const struct ast_stanza *child = stanza->stanzas; child && !option; child = child->next)
        remove_from(rules, child, NULL, removal);
}

void conf_place_removal(struct conf_outline *outline, const struct conf_rules *rules,
                        const struct conf_link *links, size_t count, const char *option,
                        struct conf_removal *removal)
{
    struct conf_stanzas stanzas = {0};
    conf_outline_find(outline, links, count, &stanzas);
    for (size_t i = 0; i < stanzas.count; i++)
        remove_from(rules, stanzas.at[i], option, removal);
    conf_stanzas_free(&stanzas);
}

void conf_removal_free(struct conf_removal *removal)
{
    free(removal->removed);
    *removal = (struct conf_removal){0};
}
