/* migration_names: what a configuration names: programs, addresses to listen on, files. */
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/mem.h"
#include "confparse/files.h"
#include "tools/migration_collect.h"

/* ---- programs ------------------------------------------------------------------------------------------ */

/* By its suffix, but a Lua script of scriptlet has the name of a Lua module: luaScripts.policy. */
static void note_script(struct migration *migration, const struct conf_scope *scope, const char *option,
                        struct conf_place place, const char *text)
{
    bool scriptlet = strcmp(conf_scope_kind(scope), "script") == 0 && strcmp(option, "source") == 0;
    const struct {
        const char *suffix, *what;
    } kinds[] = {
        {scriptlet ? "" : ".lua", "Lua"}, {".siv", "Sieve"}, {".sieve", "Sieve"}, {".so", "shared object"}};
    size_t size = strlen(text);
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        size_t suffix = strlen(kinds[i].suffix);
        if (size <= suffix || strcmp(text + size - suffix, kinds[i].suffix) != 0)
            continue;
        migration->scripts = migration_grow(migration->scripts, migration->script_count,
                                            &migration->script_capacity, sizeof *migration->scripts);
        migration->scripts[migration->script_count++] = (struct migration_script){
            kinds[i].what, mem_dup(text), mem_dup(option), migration_make_place(migration, place, scope)};
        return;
    }
}

void migration_note_programs(struct migration *migration, const struct conf_scope *scope, const char *option,
                             const struct conf_value *value)
{
    note_script(migration, scope, option, value->place, value->text);
    for (size_t i = 0; i < (value->type == CONF_DICT ? 2 * value->count : value->count); i++)
        note_script(migration, scope, option, value->place, value->items[i]);
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
        migration->listeners = migration_grow(migration->listeners, migration->listener_count,
                                              &migration->listener_capacity, sizeof *migration->listeners);
        migration->listeners[migration->listener_count++] = (struct migration_listener){
            .kind = mem_dup(row->name),
            .address = mem_dup(conf_scope_name(at)),
            .place = migration_make_place(migration, conf_scope_place(at), at),
            .enabled = !is_off(listener) && !is_off(at),
            .served = served,
            .note = mem_dup(served || !row->note ? "" : row->note),
        };
    }
}

void migration_note_listeners(struct migration *migration, const struct conf *conf)
{
    for (const struct conf_scope *at = NULL; (at = conf_scope_next(conf_root(conf), NULL, at));) {
        const struct conf_option *row = conf_stanza_find(conf_scope_kind(at));
        const char *suffix = row ? strstr(row->name, "_listener") : NULL;
        if (suffix && strcmp(suffix, "_listener") == 0)
            note_listens(migration, at, row);
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
    migration->files = migration_grow(migration->files, migration->file_count, &migration->file_capacity,
                                      sizeof *migration->files);
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
void migration_note_files(struct migration *migration, const struct conf *conf)
{
    const struct conf_files *files = conf_get_files(conf);
    const char *slash = strrchr(migration->configuration, '/');
    int directory = slash ? (int)(slash - migration->configuration) + 1 : 0;
    for (size_t i = 0; i < conf_files_count(files); i++) {
        const char *path = conf_files_at(files, i)->path;
        if (strcmp(path, CONF_VIRTUAL_FILE) != 0 && !is_noted(migration, path))
            note_file(migration, path, true,
                      access(path, F_OK) == 0 ? foreign_note(path)
                                              : "not there yet: config writeback makes it when the console's "
                                                "changes go there");
    }
    for (size_t i = 0; i < sizeof foreign / sizeof *foreign; i++) {
        struct stat status;
        char *path = mem_printf("%.*s%s", directory, migration->configuration, foreign[i].name);
        if (stat(path, &status) == 0 && S_ISREG(status.st_mode) && !is_noted(migration, path))
            note_file(migration, path, false, foreign[i].note);
        free(path);
    }
}
