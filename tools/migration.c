/* migration: the result of reading a configuration, and the words that the three forms share. */
#include "tools/migration.h"

#include <string.h>
#include "base/mem.h"

static const struct {
    const char *word, *title, *about;
} groups[MIGRATION_GROUPS] = {
    [MIGRATION_BLOCKS] = {"blocks", "Settle before the cut-over",
                          "Mistakes, unknown names, and what protects something that Impulse cannot protect: "
                          "see to that in another way, then remove it."},
    [MIGRATION_DIFFERS] = {"differs", "Works differently",
                           "Has an effect, but not in all the one it has in Momentum."},
    [MIGRATION_DEFAULTS] = {"defaults", "Other defaults",
                            "These files do not set these options, which mean something else here then."},
    [MIGRATION_IDLE] = {"no_effect", "Has no effect", "Is read and kept, and does nothing here."},
    [MIGRATION_HONOURED] = {"honoured", "Honoured", "Does what it does in Momentum."},
};

static const char *const kinds[MIGRATION_KINDS] = {
    [MIGRATION_MISTAKE] = "mistake", [MIGRATION_UNKNOWN] = "unknown", [MIGRATION_MODULE] = "module",
    [MIGRATION_STANZA] = "stanza",   [MIGRATION_OPTION] = "option",   [MIGRATION_VALUE] = "value",
};

const char *migration_group_word(enum migration_group group)
{
    return groups[group].word;
}

const char *migration_group_title(enum migration_group group)
{
    return groups[group].title;
}

const char *migration_group_about(enum migration_group group)
{
    return groups[group].about;
}

const char *migration_kind_word(enum migration_kind kind)
{
    return kinds[kind];
}

size_t migration_group(const struct migration *migration, enum migration_group group, size_t *first)
{
    size_t at = 0, end;
    while (at < migration->finding_count && migration->findings[at].group < group)
        at++;
    for (end = at; end < migration->finding_count && migration->findings[end].group == group; end++)
        ;
    *first = at;
    return end - at;
}

size_t migration_places(const struct migration *migration, enum migration_group group)
{
    size_t places = 0;
    for (size_t i = 0; i < migration->finding_count; i++)
        if (migration->findings[i].group == group)
            places += migration->findings[i].place_count;
    return places;
}

const char *migration_short_path(const struct migration *migration, const char *path)
{
    const char *slash = strrchr(migration->configuration, '/');
    size_t directory = slash ? (size_t)(slash - migration->configuration) + 1 : 0;
    bool below = strncmp(path, migration->configuration, directory) == 0;
    return below ? path + directory : path;
}

/* ---- the verdict --------------------------------------------------------------------------------------- */

static int compare_findings(const void *left, const void *right)
{
    const struct migration_finding *a = left, *b = right;
    if (a->group != b->group)
        return a->group < b->group ? -1 : 1;
    if (a->kind != b->kind)
        return a->kind < b->kind ? -1 : 1;
    int order = strcmp(a->name, b->name);
    return order ? order : strcmp(a->qualifier, b->qualifier);
}

static const struct clause { /* of a verdict: what blocks */
    enum migration_kind first, last;
    const char *one, *many;
} clauses[] = {
    {MIGRATION_MODULE, MIGRATION_MODULE, "module that protects something is not available",
     "modules that protect something are not available"},
    {MIGRATION_STANZA, MIGRATION_VALUE, "option that protects something is unsupported",
     "options that protect something are unsupported"},
    {MIGRATION_UNKNOWN, MIGRATION_UNKNOWN, "name is unknown", "names are unknown"},
    {MIGRATION_MISTAKE, MIGRATION_MISTAKE, "mistake is in the files", "mistakes are in the files"},
};

static bool is_meant(const struct clause *clause, const struct migration_finding *finding)
{
    return finding->group == MIGRATION_BLOCKS && finding->kind >= clause->first &&
           finding->kind <= clause->last;
}

/* "; 2 options that ... are unsupported: tls = required, use_ssl" */
static void print_clause(const struct migration *migration, const struct clause *clause, bool begun,
                         FILE *out)
{
    enum { NAMED = 3 };
    size_t count = 0, named = 0;
    for (size_t i = 0; i < migration->finding_count; i++)
        count += is_meant(clause, &migration->findings[i]);
    if (!count)
        return;
    fprintf(out, "%s%zu %s", begun ? "; " : "Not yet: ", count, count == 1 ? clause->one : clause->many);
    if (clause->first == MIGRATION_MISTAKE)
        return;
    for (size_t i = 0; i < migration->finding_count && named < NAMED; i++) {
        const struct migration_finding *finding = &migration->findings[i];
        if (is_meant(clause, finding))
            fprintf(out, "%s%s%s%s", named++ ? ", " : ": ", finding->name, *finding->qualifier ? " " : "",
                    finding->qualifier);
    }
    if (count > named)
        fprintf(out, ", and %zu more", count - named);
}

static void print_ready(const struct migration *migration, FILE *out)
{
    static const struct {
        enum migration_group group;
        const char *one, *many;
    } parts[] = {
        {MIGRATION_DIFFERS, "thing works differently", "things work differently"},
        {MIGRATION_DEFAULTS, "default is another one", "defaults are other ones"},
        {MIGRATION_IDLE, "thing has no effect", "things have no effect"},
    };
    fputs("Ready: nothing in these files stands in the way", out);
    for (size_t i = 0, said = 0; i < sizeof parts / sizeof *parts; i++) {
        size_t first, count = migration_group(migration, parts[i].group, &first);
        if (count)
            fprintf(out, "%s%zu %s", said++ ? ", " : "; ", count, count == 1 ? parts[i].one : parts[i].many);
    }
}

void migration_conclude(struct migration *migration)
{
    size_t first, size = 0;
    free(migration->verdict);
    migration->verdict = NULL;
    if (migration->finding_count)
        qsort(migration->findings, migration->finding_count, sizeof *migration->findings, compare_findings);
    migration->ready = migration->readable && !migration_group(migration, MIGRATION_BLOCKS, &first);
    FILE *out = open_memstream(&migration->verdict, &size);
    if (!out)
        return;
    if (migration->ready)
        print_ready(migration, out);
    else if (!migration->readable)
        fprintf(out, "Unknown: the configuration cannot be read");
    for (size_t i = 0; migration->readable && i < sizeof clauses / sizeof *clauses; i++)
        print_clause(migration, &clauses[i], ftell(out) > 0, out);
    fputs(".", out);
    fclose(out);
}

/* ---- the end ------------------------------------------------------------------------------------------- */

static void free_finding(struct migration_finding *finding)
{
    for (size_t i = 0; i < finding->place_count; i++)
        free(finding->places[i].scope);
    free(finding->places);
    free(finding->name);
    free(finding->qualifier);
    free(finding->note);
    free(finding->instead);
}

void migration_free(struct migration *migration)
{
    for (size_t i = 0; i < migration->finding_count; i++)
        free_finding(&migration->findings[i]);
    for (size_t i = 0; i < migration->listener_count; i++) {
        free(migration->listeners[i].kind);
        free(migration->listeners[i].address);
        free(migration->listeners[i].note);
        free(migration->listeners[i].place.scope);
    }
    for (size_t i = 0; i < migration->script_count; i++) {
        free(migration->scripts[i].path);
        free(migration->scripts[i].option);
        free(migration->scripts[i].place.scope);
    }
    for (size_t i = 0; i < migration->file_count; i++)
        free(migration->files[i].path);
    for (size_t i = 0; i < migration->name_count; i++)
        free(migration->names[i]);
    free(migration->findings);
    free(migration->listeners);
    free(migration->scripts);
    free(migration->files);
    free(migration->names);
    free(migration->configuration);
    free(migration->verdict);
    free(migration);
}
