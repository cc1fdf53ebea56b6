/* migration_collect: see migration_collect.h. */
#include "tools/migration_collect.h"

#include <string.h>
#include "base/mem.h"
#include "confparse/path.h"

void *migration_grow(void *array, size_t count, size_t *capacity, size_t size)
{
    if (count == *capacity) {
        *capacity = *capacity ? 2 * *capacity : 16;
        array = mem_resize(array, *capacity * size);
    }
    memset((char *)array + count * size, 0, size);
    return array;
}

/* A copy of a file's name that lives as long as the migration; many places have the same one. */
static const char *keep_file(struct migration *migration, const char *file)
{
    for (size_t i = migration->name_count; i-- > 0;)
        if (strcmp(migration->names[i], file) == 0)
            return migration->names[i];
    migration->names = migration_grow(migration->names, migration->name_count, &migration->name_capacity,
                                      sizeof *migration->names);
    return migration->names[migration->name_count++] = mem_dup(file);
}

static char *scope_text(const struct conf_scope *scope)
{
    struct conf_path path;
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    if (!out)
        return mem_dup("");
    conf_path_of(scope, &path);
    conf_path_print(&path, out);
    fclose(out);
    return text;
}

struct migration_place migration_make_place(struct migration *migration, struct conf_place place,
                                            const struct conf_scope *scope)
{
    return (struct migration_place){keep_file(migration, place.file), place.line,
                                    scope ? scope_text(scope) : NULL};
}

void migration_add_place(struct migration *migration, struct migration_finding *finding,
                         struct conf_place place, const struct conf_scope *scope)
{
    finding->places = migration_grow(finding->places, finding->place_count, &finding->place_capacity,
                                     sizeof *finding->places);
    finding->places[finding->place_count++] = migration_make_place(migration, place, scope);
}

/* ---- findings ------------------------------------------------------------------------------------------ */

struct migration_finding *migration_find(struct migration *migration, enum migration_group group,
                                         enum migration_kind kind, const char *name, const char *qualifier,
                                         const void *source)
{
    for (size_t i = 0; i < migration->finding_count; i++) {
        struct migration_finding *finding = &migration->findings[i];
        if (finding->source == source && finding->group == group && finding->kind == kind &&
            strcmp(finding->name, name) == 0 && strcmp(finding->qualifier, qualifier) == 0)
            return finding;
    }
    migration->findings = migration_grow(migration->findings, migration->finding_count,
                                         &migration->finding_capacity, sizeof *migration->findings);
    struct migration_finding *finding = &migration->findings[migration->finding_count++];
    finding->group = group;
    finding->kind = kind;
    finding->name = mem_dup(name);
    finding->qualifier = mem_dup(qualifier);
    finding->note = mem_dup("");
    finding->instead = mem_dup("");
    finding->source = source;
    return finding;
}

void migration_explain(struct migration_finding *finding, const char *note, const char *instead)
{
    if (note && !*finding->note) {
        free(finding->note);
        finding->note = mem_dup(note);
    }
    if (instead && !*finding->instead) {
        free(finding->instead);
        finding->instead = mem_dup(instead);
    }
}
