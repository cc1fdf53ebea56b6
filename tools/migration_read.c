/*
 * migration_read: judging a configuration. The tree is walked once, while the load's check callback has it,
 * because a configuration with errors has no other life; everything that is kept is copied.
 */
#include <string.h>
#include <strings.h>
#include "base/mem.h"
#include "tools/migration_collect.h"

enum { NO_STANZA = -1, QUALIFIER_MAX = 160 };

struct reading {
    struct migration *migration;
    const struct conf *conf;
    const struct conf_load_options *options; /* the modules that are here */
    long idle; /* index of the finding about a stanza without effect that is walked, or NO_STANZA */
};

/* ---- options ------------------------------------------------------------------------------------------- */

static enum migration_group group_of(enum conf_support support)
{
    static const enum migration_group groups[] = {
        [CONF_HONOURED] = MIGRATION_HONOURED,
        [CONF_DIFFERENT] = MIGRATION_DIFFERS,
        [CONF_ACCEPTED] = MIGRATION_IDLE,
        [CONF_UNSUPPORTED] = MIGRATION_BLOCKS,
    };
    return groups[support];
}

/* Is the module's stanza switched off? */
static bool is_disabled(const struct conf_scope *scope)
{
    const struct conf_value *value = conf_scope_value(scope, "enabled");
    return value && value->type == CONF_BOOL && !value->number;
}

/* Findings for the exceptions of values.def. True: they are all there is to say. */
static bool judge_exceptions(struct reading *reading, const struct conf_scope *scope,
                             const struct conf_option *row, const struct conf_value *value)
{
    const struct conf_exception *found[CONF_EXCEPTIONS_MAX];
    size_t count = conf_exceptions_find(row, scope, value, found), values = 0;
    for (size_t i = 0; i < count; i++) {
        char qualifier[QUALIFIER_MAX] = "";
        bool list = value->type == CONF_LIST;
        if (found[i]->value)
            snprintf(qualifier, sizeof qualifier, list ? "with %s" : "= %s", found[i]->value);
        else
            snprintf(qualifier, sizeof qualifier, "in %s", found[i]->stanza);
        values += found[i]->value != NULL;
        struct migration_finding *finding = migration_find(
            reading->migration, group_of(found[i]->support),
            found[i]->value ? MIGRATION_VALUE : MIGRATION_OPTION, row->name, qualifier, found[i]);
        migration_explain(finding, found[i]->note, found[i]->instead);
        migration_add_place(reading->migration, finding, value->place, scope);
    }
    bool more = value->type == CONF_LIST && values == count && value->count > count;
    return count && !more;
}

/* Does a value name a journal that other programs of Momentum read? ec_logger takes the path in it. */
static bool names_a_journal(const struct conf_value *value)
{
    static const char *const schemes[] = {"cluster://", "jlog://"};
    for (size_t i = 0; value->type == CONF_STRING && i < sizeof schemes / sizeof *schemes; i++)
        if (strncmp(value->text, schemes[i], strlen(schemes[i])) == 0)
            return true;
    return false;
}

/* An option of a stanza that has an effect. */
static void judge_option(struct reading *reading, const struct conf_scope *scope, const char *name,
                         const struct conf_value *value)
{
    const struct conf_option *row = conf_scope_option(scope, name);
    const struct conf_option *core = conf_option_find(name);
    if (!row || (row == core && judge_exceptions(reading, scope, row, value)))
        return;
    char qualifier[QUALIFIER_MAX] = "";
    enum migration_group group = group_of(row->support);
    bool journal = row != core && group == MIGRATION_HONOURED && names_a_journal(value);
    const char *note = row->note, *instead = row->instead;
    if (row != core)
        snprintf(qualifier, sizeof qualifier, "%sin %s", journal ? "as a journal, " : "",
                 conf_scope_kind(conf_scope_outermost(scope)));
    if (journal) {
        group = MIGRATION_DIFFERS;
        note = "no journal is written for others to read, but a plain file at the path in the name";
        instead = "read the file of each server";
    }
    if (row->support == CONF_UNSUPPORTED && conf_asks_for_nothing(reading->conf, scope, row, value)) {
        group = MIGRATION_HONOURED;
        note = "it is off, or as its default has it: nothing is missing";
        instead = NULL;
    }
    struct migration_finding *finding =
        migration_find(reading->migration, group, MIGRATION_OPTION, row->name, qualifier, row);
    migration_explain(finding, note, instead);
    migration_add_place(reading->migration, finding, value->place, scope);
}

/* An option of a stanza without effect: it only counts, but where it is what makes the stanza dangerous. */
static void judge_idle_option(struct reading *reading, const struct conf_scope *scope, const char *name,
                              const struct conf_value *value)
{
    struct migration_finding *stanza = &reading->migration->findings[reading->idle];
    const struct conf_option *row = stanza->kind == MIGRATION_MODULE ? conf_scope_option(scope, name) : NULL;
    bool dangerous = stanza->group == MIGRATION_IDLE && !is_disabled(scope) && row &&
                     row->support == CONF_UNSUPPORTED &&
                     !conf_asks_for_nothing(reading->conf, scope, row, value);
    stanza->inside++;
    if (dangerous)
        judge_option(reading, scope, name, value);
}

/* ---- stanzas ------------------------------------------------------------------------------------------- */

static bool is_module_here(const struct reading *reading, const char *name)
{
    for (size_t i = 0; i < reading->options->module_count; i++)
        if (strcasecmp(reading->options->modules[i].name, name) == 0)
            return true;
    return false;
}

/* A stanza of options.def. */
static struct migration_finding *judge_stanza(struct reading *reading, const struct conf_option *row)
{
    struct migration_finding *finding =
        migration_find(reading->migration, group_of(row->support), MIGRATION_STANZA, row->name, "", row);
    migration_explain(finding, row->note, row->instead);
    return finding;
}

/* A module's stanza. */
static struct migration_finding *judge_module(struct reading *reading, const struct conf_scope *scope)
{
    const char *name = conf_scope_kind(scope);
    const struct conf_documented *documented = conf_documented_find(name);
    bool here = is_module_here(reading, name), disabled = is_disabled(scope);
    enum migration_group group = here ? MIGRATION_HONOURED : MIGRATION_IDLE;
    if (!here && documented && !disabled)
        group = group_of(documented->support) == MIGRATION_BLOCKS ? MIGRATION_BLOCKS : MIGRATION_IDLE;
    struct migration_finding *finding = migration_find(reading->migration, group, MIGRATION_MODULE, name,
                                                       disabled ? "(not enabled)" : "", documented);
    if (documented)
        migration_explain(finding, documented->what, here || disabled ? NULL : documented->instead);
    return finding;
}

/* Does a stanza of options.def only hold options that modules add to it? Then it has an effect. */
static bool is_for_modules(const struct reading *reading, const struct conf_scope *scope)
{
    const char *option;
    size_t i = 0;
    while (conf_scope_value_at(scope, i, &option) && conf_option_module(reading->conf, option))
        i++;
    return i > 0 && !conf_scope_value_at(scope, i, &option) && !conf_scope_next(scope, NULL, NULL);
}

static void walk(struct reading *reading, const struct conf_scope *scope);

static void enter(struct reading *reading, const struct conf_scope *scope)
{
    struct reading inside = *reading;
    const char *kind = conf_scope_kind(scope);
    reading->migration->stanzas++;
    if (reading->idle == NO_STANZA) {
        bool outermost = !conf_scope_parent(conf_scope_parent(scope));
        const struct conf_option *row = conf_stanza_find(kind);
        bool module = outermost && (!row || is_module_here(reading, kind));
        if (!module && is_for_modules(reading, scope)) {
            walk(&inside, scope);
            return;
        }
        struct migration_finding *finding =
            module ? judge_module(reading, scope) : judge_stanza(reading, row);
        migration_add_place(reading->migration, finding, conf_scope_place(scope), scope);
        bool here = module && is_module_here(reading, kind);
        bool idle = finding->group == MIGRATION_IDLE || finding->group == MIGRATION_BLOCKS;
        if (!here && idle)
            inside.idle = finding - reading->migration->findings;
    }
    walk(&inside, scope);
}

static void walk(struct reading *reading, const struct conf_scope *scope)
{
    const struct conf_value *value;
    const char *option;
    for (size_t i = 0; (value = conf_scope_value_at(scope, i, &option)); i++) {
        reading->migration->options++;
        migration_note_programs(reading->migration, scope, option, value);
        if (reading->idle == NO_STANZA)
            judge_option(reading, scope, option, value);
        else
            judge_idle_option(reading, scope, option, value);
    }
    for (const struct conf_scope *child = NULL; (child = conf_scope_next(scope, NULL, child));)
        enter(reading, child);
}

/* What differs because it is not set. */
static void judge_defaults(struct migration *migration)
{
    for (size_t i = 0; i < conf_other_default_count(); i++) {
        const struct conf_other_default *other = conf_other_default_at(i);
        size_t at = 0;
        while (at < migration->finding_count && strcmp(migration->findings[at].name, other->option) != 0)
            at++;
        if (at < migration->finding_count)
            continue;
        struct migration_finding *finding =
            migration_find(migration, MIGRATION_DEFAULTS, MIGRATION_OPTION, other->option, "", other);
        char *note = mem_printf("Momentum: %s; here: %s", other->theirs, other->ours);
        migration_explain(finding, note, NULL);
        free(note);
    }
}

/* ---- reading ------------------------------------------------------------------------------------------- */

static void read_tree(const struct conf *conf, struct conf_report *report, void *argument)
{
    struct reading *reading = argument;
    (void)report;
    reading->conf = conf;
    reading->migration->readable = true;
    walk(reading, conf_root(conf));
    judge_defaults(reading->migration);
    migration_note_listeners(reading->migration, conf);
    migration_note_files(reading->migration, conf);
}

struct migration *migration_read(const char *path, const struct conf_load_options *options)
{
    struct migration *migration = mem_new(struct migration);
    struct reading reading = {.migration = migration, .options = options, .idle = NO_STANZA};
    struct conf_load_options judging = *options;
    struct conf_report *report;
    judging.lenient = judging.only_mistakes = true;
    judging.check = read_tree;
    judging.check_argument = &reading;
    migration->configuration = mem_dup(path);
    conf_unref(conf_load(path, &judging, &report));
    migration_note_mistakes(migration, report);
    conf_report_free(report);
    migration_conclude(migration);
    return migration;
}
