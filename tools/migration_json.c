/* migration_json: the report for programs. The form is described in impulsectl(1) and does not change but by
 * additions. */
#include <jansson.h>
#include "base/mem.h"
#include "config.h"
#include "tools/migration.h"
#include "base/utf8.h"

enum { FORM = 1 }; /* of the report; a reader that knows another one must not read it */

static json_t *text(const char *bytes)
{
    char *clean = utf8_clean(bytes);
    json_t *string = json_string(clean);
    free(clean);
    return string;
}

static json_t *number(size_t count)
{
    return json_integer((json_int_t)count);
}

static json_t *place_json(const struct migration_place *place)
{
    json_t *object = json_object();
    json_object_set_new(object, "file", text(place->file));
    json_object_set_new(object, "line", number(place->line));
    json_object_set_new(object, "scope", place->scope ? text(place->scope) : json_null());
    return object;
}

static json_t *finding_json(const struct migration_finding *finding)
{
    json_t *object = json_object(), *places = json_array();
    for (size_t i = 0; i < finding->place_count; i++)
        json_array_append_new(places, place_json(&finding->places[i]));
    json_object_set_new(object, "group", text(migration_group_word(finding->group)));
    json_object_set_new(object, "kind", text(migration_kind_word(finding->kind)));
    json_object_set_new(object, "name", text(finding->name));
    json_object_set_new(object, "qualifier", text(finding->qualifier));
    json_object_set_new(object, "note", text(finding->note));
    json_object_set_new(object, "instead", text(finding->instead));
    json_object_set_new(object, "inside", number(finding->inside));
    json_object_set_new(object, "places", places);
    return object;
}

static json_t *counts_json(const struct migration *migration)
{
    json_t *counts = json_object();
    for (enum migration_group group = 0; group < MIGRATION_GROUPS; group++) {
        json_t *object = json_object();
        size_t first, findings = migration_group(migration, group, &first);
        json_object_set_new(object, "findings", number(findings));
        json_object_set_new(object, "places", number(migration_places(migration, group)));
        json_object_set_new(counts, migration_group_word(group), object);
    }
    json_object_set_new(counts, "options", number(migration->options));
    json_object_set_new(counts, "stanzas", number(migration->stanzas));
    json_object_set_new(counts, "files", number(migration->file_count));
    return counts;
}

static json_t *listener_json(const struct migration_listener *listener)
{
    json_t *object = place_json(&listener->place);
    json_object_set_new(object, "kind", text(listener->kind));
    json_object_set_new(object, "address", text(listener->address));
    json_object_set_new(object, "enabled", json_boolean(listener->enabled));
    json_object_set_new(object, "served", json_boolean(listener->served));
    json_object_set_new(object, "note", text(listener->note));
    return object;
}

static json_t *script_json(const struct migration_script *script)
{
    json_t *object = place_json(&script->place);
    json_object_set_new(object, "what", text(script->what));
    json_object_set_new(object, "path", text(script->path));
    json_object_set_new(object, "option", text(script->option));
    return object;
}

static json_t *file_json(const struct migration_file *file)
{
    json_t *object = json_object();
    json_object_set_new(object, "path", text(file->path));
    json_object_set_new(object, "read", json_boolean(file->read));
    json_object_set_new(object, "note", text(file->note ? file->note : ""));
    return object;
}

static json_t *migration_json(const struct migration *migration)
{
    json_t *root = json_object(), *findings = json_array(), *listeners = json_array();
    json_t *scripts = json_array(), *files = json_array();
    for (size_t i = 0; i < migration->finding_count; i++)
        json_array_append_new(findings, finding_json(&migration->findings[i]));
    for (size_t i = 0; i < migration->listener_count; i++)
        json_array_append_new(listeners, listener_json(&migration->listeners[i]));
    for (size_t i = 0; i < migration->script_count; i++)
        json_array_append_new(scripts, script_json(&migration->scripts[i]));
    for (size_t i = 0; i < migration->file_count; i++)
        json_array_append_new(files, file_json(&migration->files[i]));
    json_object_set_new(root, "impulse_migration", json_integer(FORM));
    json_object_set_new(root, "impulse_version", json_string(PACKAGE_VERSION));
    json_object_set_new(root, "configuration", text(migration->configuration));
    json_object_set_new(root, "judged", json_boolean(migration->judged));
    json_object_set_new(root, "ready", json_boolean(migration->ready));
    json_object_set_new(root, "verdict", text(migration->verdict));
    json_object_set_new(root, "counts", counts_json(migration));
    json_object_set_new(root, "findings", findings);
    json_object_set_new(root, "listeners", listeners);
    json_object_set_new(root, "scripts", scripts);
    json_object_set_new(root, "files", files);
    return root;
}

bool migration_print_json(const struct migration *migration, FILE *out)
{
    json_t *root = migration_json(migration);
    bool written = json_dumpf(root, out, JSON_INDENT(2)) == 0 && putc('\n', out) != EOF;
    json_decref(root);
    return written;
}
