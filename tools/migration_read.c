/*
 * migration_read: judging a configuration. The tree is walked once, while the load's check callback has it,
 * because a configuration with errors has no other life; everything that is kept is copied.
 */
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include "base/mem.h"
#include "confparse/files.h"
#include "confparse/path.h"
#include "tools/migration.h"

enum { NO_STANZA = -1, QUALIFIER_MAX = 160 };

struct reading {
    struct migration *migration;
    const struct conf *conf;
    const struct conf_load_options *options; /* the modules that are here */
    long idle; /* index of the finding about a stanza without effect that is walked, or NO_STANZA */
};

/* ---- copies -------------------------------------------------------------------------------------------- */

/* Room for one more element, zeroed. */
static void *grow(void *array, size_t count, size_t *capacity, size_t size)
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
    migration->names =
        grow(migration->names, migration->name_count, &migration->name_capacity, sizeof *migration->names);
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

static struct migration_place make_place(struct migration *migration, struct conf_place place,
                                         const struct conf_scope *scope)
{
    return (struct migration_place){keep_file(migration, place.file), place.line,
                                    scope ? scope_text(scope) : NULL};
}

static void add_place(struct migration *migration, struct migration_finding *finding, struct conf_place place,
                      const struct conf_scope *scope)
{
    finding->places =
        grow(finding->places, finding->place_count, &finding->place_capacity, sizeof *finding->places);
    finding->places[finding->place_count++] = make_place(migration, place, scope);
}

/* ---- findings ------------------------------------------------------------------------------------------ */

/* The finding of that row in that group, made when there is none yet. Valid until the next one is made. */
static struct migration_finding *find_finding(struct migration *migration, enum migration_group group,
                                              enum migration_kind kind, const char *name,
                                              const char *qualifier, const void *source)
{
    for (size_t i = 0; i < migration->finding_count; i++) {
        struct migration_finding *finding = &migration->findings[i];
        if (finding->source == source && finding->group == group && finding->kind == kind &&
            strcmp(finding->name, name) == 0 && strcmp(finding->qualifier, qualifier) == 0)
            return finding;
    }
    migration->findings = grow(migration->findings, migration->finding_count, &migration->finding_capacity,
                               sizeof *migration->findings);
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

static void explain(struct migration_finding *finding, const char *note, const char *instead)
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

/* ---- options ------------------------------------------------------------------------------------------- */

/* Is the module's stanza switched off? The values of a module that is not here have no type. */
static bool is_disabled(const struct conf_scope *scope)
{
    static const char *const off[] = {"false", "no", "off", "0", "disabled", "disable"};
    const struct conf_value *value = conf_scope_value(scope, "enabled");
    for (size_t i = 0; value && i < sizeof off / sizeof *off; i++)
        if (strcasecmp(value->text, off[i]) == 0)
            return true;
    return false;
}

/* The name of the module or stanza that a scope is in. */
static const char *outermost_kind(const struct conf_scope *scope)
{
    const struct conf_scope *parent;
    while ((parent = conf_scope_parent(scope)) && conf_scope_parent(parent))
        scope = parent;
    return conf_scope_kind(scope);
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
        struct migration_finding *finding = find_finding(reading->migration, group_of(found[i]->support),
                                                         found[i]->value ? MIGRATION_VALUE : MIGRATION_OPTION,
                                                         row->name, qualifier, found[i]);
        explain(finding, found[i]->note, found[i]->instead);
        add_place(reading->migration, finding, value->place, scope);
    }
    bool more = value->type == CONF_LIST && values == count && value->count > count;
    return count && !more;
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
    const char *note = row->note, *instead = row->instead;
    if (row != core)
        snprintf(qualifier, sizeof qualifier, "in %s", outermost_kind(scope));
    if (row->support == CONF_UNSUPPORTED && conf_asks_for_nothing(reading->conf, scope, row, value)) {
        group = MIGRATION_HONOURED;
        note = "it is off, or as its default has it: nothing is missing";
        instead = NULL;
    }
    struct migration_finding *finding =
        find_finding(reading->migration, group, MIGRATION_OPTION, row->name, qualifier, row);
    explain(finding, note, instead);
    add_place(reading->migration, finding, value->place, scope);
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

/* ---- programs ------------------------------------------------------------------------------------------ */

/* By its suffix, but a Lua script of scriptlet has the name of a Lua module: luaScripts.policy. */
static void note_script(struct reading *reading, const struct conf_scope *scope, const char *option,
                        struct conf_place place, const char *text)
{
    bool scriptlet = strcmp(conf_scope_kind(scope), "script") == 0 && strcmp(option, "source") == 0;
    const struct {
        const char *suffix, *what;
    } kinds[] = {
        {scriptlet ? "" : ".lua", "Lua"}, {".siv", "Sieve"}, {".sieve", "Sieve"}, {".so", "shared object"}};
    struct migration *migration = reading->migration;
    size_t size = strlen(text);
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        size_t suffix = strlen(kinds[i].suffix);
        if (size <= suffix || strcmp(text + size - suffix, kinds[i].suffix) != 0)
            continue;
        migration->scripts = grow(migration->scripts, migration->script_count, &migration->script_capacity,
                                  sizeof *migration->scripts);
        migration->scripts[migration->script_count++] = (struct migration_script){
            kinds[i].what, mem_dup(text), mem_dup(option), make_place(migration, place, scope)};
        return;
    }
}

static void note_scripts(struct reading *reading, const struct conf_scope *scope, const char *option,
                         const struct conf_value *value)
{
    note_script(reading, scope, option, value->place, value->text);
    for (size_t i = 0; i < (value->type == CONF_DICT ? 2 * value->count : value->count); i++)
        note_script(reading, scope, option, value->place, value->items[i]);
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
        find_finding(reading->migration, group_of(row->support), MIGRATION_STANZA, row->name, "", row);
    explain(finding, row->note, row->instead);
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
    struct migration_finding *finding = find_finding(reading->migration, group, MIGRATION_MODULE, name,
                                                     disabled ? "(not enabled)" : "", documented);
    if (documented)
        explain(finding, documented->what, here || disabled ? NULL : documented->instead);
    return finding;
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
        struct migration_finding *finding =
            module ? judge_module(reading, scope) : judge_stanza(reading, row);
        add_place(reading->migration, finding, conf_scope_place(scope), scope);
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
        note_scripts(reading, scope, option, value);
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
            find_finding(migration, MIGRATION_DEFAULTS, MIGRATION_OPTION, other->option, "", other);
        char *note = mem_printf("Momentum: %s; here: %s", other->theirs, other->ours);
        explain(finding, note, NULL);
        free(note);
    }
}

/* ---- listeners ----------------------------------------------------------------------------------------- */

static bool is_off(const struct conf_scope *scope)
{
    const struct conf_value *enable = conf_scope_value(scope, "enable");
    return enable && enable->number == 0;
}

static void note_listens(struct migration *migration, const struct conf_scope *listener,
                         const struct conf_option *row)
{
    for (const struct conf_scope *at = NULL; (at = conf_scope_next(listener, "listen", at));) {
        bool served = row->support == CONF_HONOURED || row->support == CONF_DIFFERENT;
        migration->listeners = grow(migration->listeners, migration->listener_count,
                                    &migration->listener_capacity, sizeof *migration->listeners);
        migration->listeners[migration->listener_count++] = (struct migration_listener){
            .kind = mem_dup(row->name),
            .address = mem_dup(conf_scope_name(at)),
            .place = make_place(migration, conf_scope_place(at), at),
            .enabled = !is_off(listener) && !is_off(at),
            .served = served,
            .note = mem_dup(served || !row->note ? "" : row->note),
        };
    }
}

static void note_listeners(struct reading *reading)
{
    for (const struct conf_scope *at = NULL; (at = conf_scope_next(conf_root(reading->conf), NULL, at));) {
        const struct conf_option *row = conf_stanza_find(conf_scope_kind(at));
        const char *suffix = row ? strstr(row->name, "_listener") : NULL;
        if (suffix && strcmp(suffix, "_listener") == 0)
            note_listens(reading->migration, at, row);
    }
}

/* ---- files --------------------------------------------------------------------------------------------- */

/* Files that Momentum's other programs read, or that serve what Impulse does not have. */
static const struct {
    const char *name, *note;
} foreign[] = {
    {"cidr_maintain.conf", "of cidr_maintain, which keeps the anti-spam series; nothing here reads it"},
    {"ec_rotate.conf", "of ec_rotate; logs are rotated by logrotate here"},
    {"eccluster.conf", "of eccluster_manager; there are no clusters here"},
    {"ecelerity-cluster.conf", "what nodes do in a cluster; there are no clusters here"},
    {"ecelerity_cluster.conf", "what nodes do in a cluster; there are no clusters here"},
    {"liveupdate.conf", "of live updates of the bounce classifier; nothing here reads it"},
    {"msg_gen.conf", "message generation over HTTP; it is not available here"},
    {"msgc_server.conf", "of msgc_server, the cluster's message bus; there are no clusters here"},
};

static void note_file(struct migration *migration, const char *path, bool read, const char *note)
{
    migration->files =
        grow(migration->files, migration->file_count, &migration->file_capacity, sizeof *migration->files);
    migration->files[migration->file_count++] = (struct migration_file){mem_dup(path), read, note};
}

static const char *foreign_note(const char *path)
{
    const char *slash = strrchr(path, '/');
    for (size_t i = 0; i < sizeof foreign / sizeof *foreign; i++)
        if (strcmp(slash ? slash + 1 : path, foreign[i].name) == 0)
            return foreign[i].note;
    return NULL;
}

static bool is_noted(const struct migration *migration, const char *path)
{
    for (size_t i = 0; i < migration->file_count; i++)
        if (strcmp(migration->files[i].path, path) == 0)
            return true;
    return false;
}

/* The files of the configuration, and those of Momentum's that lie beside it. */
static void note_files(struct migration *migration, const struct conf_files *files)
{
    const char *slash = strrchr(migration->configuration, '/');
    int directory = slash ? (int)(slash - migration->configuration) + 1 : 0;
    for (size_t i = 0; i < conf_files_count(files); i++) {
        const char *path = conf_files_at(files, i)->path;
        if (strcmp(path, CONF_VIRTUAL_FILE) != 0 && !is_noted(migration, path))
            note_file(migration, path, true, foreign_note(path));
    }
    for (size_t i = 0; i < sizeof foreign / sizeof *foreign; i++) {
        struct stat status;
        char *path = mem_printf("%.*s%s", directory, migration->configuration, foreign[i].name);
        if (stat(path, &status) == 0 && S_ISREG(status.st_mode) && !is_noted(migration, path))
            note_file(migration, path, false, foreign[i].note);
        free(path);
    }
}

/* ---- mistakes ------------------------------------------------------------------------------------------ */

/* The text that a diagnostic underlines, to be freed. */
static char *underlined(const struct conf_diagnostic *diagnostic)
{
    const char *line = diagnostic->source_line ? diagnostic->source_line : "";
    size_t size = strlen(line), first = diagnostic->place.column ? diagnostic->place.column - 1 : 0;
    size_t width = diagnostic->width;
    if (first > size)
        first = size;
    if (width > size - first)
        width = size - first;
    return mem_copy_text(line + first, width);
}

static bool begins(const char *text, const char *beginning)
{
    return strncmp(text, beginning, strlen(beginning)) == 0;
}

static void note_unknown(struct migration *migration, const struct conf_diagnostic *diagnostic, bool stanza)
{
    char *name = underlined(diagnostic);
    struct migration_finding *finding =
        find_finding(migration, MIGRATION_BLOCKS, MIGRATION_UNKNOWN, name, stanza ? "{ ... }" : "", NULL);
    const char *nearest = strstr(diagnostic->message, "; ");
    char *note = mem_printf("neither Momentum's manual nor a module here has a%s of this name%s",
                            stanza ? " stanza" : "n option", nearest ? nearest : "");
    explain(finding, note,
            stanza
                ? "correct the name; if it is a module of your own, compile it with ecxs and install it with "
                  "its manifest"
                : "correct or remove it");
    add_place(migration, finding, diagnostic->place, NULL);
    free(note);
    free(name);
}

/*
 * Momentum looks for a file in the directories global, of the node, and default of its configuration; here it
 * must be where the include says. `name` is the include's, perhaps in quotes.
 */
static void explain_missing_file(const struct migration *migration, struct migration_finding *finding,
                                 const char *name)
{
    static const char *const siblings[] = {"global", "default"};
    const char *slash = strrchr(migration->configuration, '/');
    int directory = slash ? (int)(slash - migration->configuration) + 1 : 0;
    int size = (int)strcspn(name += *name == '"', "\"");
    char *instead = mem_dup("put the file beside the one that includes it, or into " IMPULSE_SYSCONF_DIR
                            ": Impulse looks there, and in no other directory");
    for (size_t i = 0; i < sizeof siblings / sizeof *siblings; i++) {
        struct stat status;
        char *path =
            mem_printf("%.*s../%s/%.*s", directory, migration->configuration, siblings[i], size, name);
        if (*name != '/' && stat(path, &status) == 0) {
            free(instead);
            instead =
                mem_printf("include \"../%s/%.*s\": Momentum finds it in its search path, which Impulse "
                           "does not have",
                           siblings[i], size, name);
        }
        free(path);
    }
    explain(finding, "", instead);
    free(instead);
}

static void note_mistake(struct migration *migration, const struct conf_diagnostic *diagnostic)
{
    enum migration_group group = diagnostic->severity == CONF_ERROR ? MIGRATION_BLOCKS : MIGRATION_IDLE;
    struct migration_finding *finding =
        find_finding(migration, group, MIGRATION_MISTAKE, diagnostic->message, "", NULL);
    if (begins(diagnostic->message, "cannot include ")) {
        char *name = underlined(diagnostic);
        explain_missing_file(migration, finding, name);
        free(name);
    }
    add_place(migration, finding, diagnostic->place, NULL);
}

static void note_mistakes(struct migration *migration, const struct conf_report *report)
{
    size_t errors = 0;
    for (size_t i = 0; i < conf_report_count(report); i++) {
        const struct conf_diagnostic *diagnostic = conf_report_at(report, i);
        errors += diagnostic->severity == CONF_ERROR;
        if (begins(diagnostic->message, "unknown option '"))
            note_unknown(migration, diagnostic, false);
        else if (begins(diagnostic->message, "unknown stanza '"))
            note_unknown(migration, diagnostic, true);
        else if (diagnostic->severity != CONF_NOTE)
            note_mistake(migration, diagnostic);
    }
    if (errors < conf_report_errors(report)) {
        char *more = mem_printf("%zu more mistakes that are not listed", conf_report_errors(report) - errors);
        find_finding(migration, MIGRATION_BLOCKS, MIGRATION_MISTAKE, more, "", NULL);
        free(more);
    }
}

static bool blocks_line(const struct migration_finding *finding, const char *file, unsigned line)
{
    for (size_t i = 0; finding->group == MIGRATION_BLOCKS && i < finding->place_count; i++)
        if (finding->places[i].line == line && strcmp(finding->places[i].file, file) == 0)
            return true;
    return false;
}

void migration_add_mistake(struct migration *migration, const char *file, unsigned line, const char *message)
{
    for (size_t i = 0; i < migration->finding_count; i++)
        if (blocks_line(&migration->findings[i], file, line))
            return;
    struct migration_finding *finding =
        find_finding(migration, MIGRATION_BLOCKS, MIGRATION_MISTAKE, message, "", NULL);
    add_place(migration, finding, (struct conf_place){file, line, 0}, NULL);
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
    note_listeners(reading);
    note_files(reading->migration, conf_get_files(conf));
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
    note_mistakes(migration, report);
    conf_report_free(report);
    migration_conclude(migration);
    return migration;
}
