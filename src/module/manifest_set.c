/*
 * manifest_set: the manifests of a directory, and what they add to the configuration language.
 */
#include "module/manifest.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <strings.h>
#include <unistd.h>
#include "base/mem.h"

struct manifest_set {
    struct manifest *manifests; /* in order of name */
    size_t count;
    struct conf_module_schema *schemas; /* for conf_load_options; parallel to manifests */
};

const char *manifest_directory(void)
{
    static const char built[] = "/modules/built";
    static char path[PATH_MAX + sizeof built];
    const char *named = getenv("IMPULSE_MODULE_PATH");
    if (named && *named)
        return named;
    ssize_t size = readlink("/proc/self/exe", path, PATH_MAX - 1);
    char *slash = size > 0 ? memrchr(path, '/', (size_t)size) : NULL;
    if (slash) {
        memcpy(slash, built, sizeof built);
        if (access(path, R_OK) == 0)
            return path;
    }
    return IMPULSE_MODULE_DIR;
}

static int is_manifest(const struct dirent *entry)
{
    return entry->d_name[0] != '.' && slice_ends_nocase(slice_text(entry->d_name), SLICE_LITERAL(".ecm"));
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct manifest *)a)->name, ((const struct manifest *)b)->name);
}

static bool names_differ(const struct manifest_set *set, char *error, size_t error_size)
{
    for (size_t i = 1; i < set->count; i++)
        if (strcmp(set->manifests[i - 1].name, set->manifests[i].name) == 0) {
            snprintf(error, error_size, "%s: module \"%s\" is described by %s as well",
                     set->manifests[i].file, set->manifests[i].name, set->manifests[i - 1].file);
            return false;
        }
    return true;
}

/* A listener is announced under the name of the module, whose stanza holds its Listens. */
static bool announces_listener(const struct manifest *manifest)
{
    for (size_t i = 0; i < manifest->announced.count; i++)
        if (strcmp(manifest->announced.names[i], "listener") == 0)
            return true;
    return false;
}

static const struct conf_option *find_added(const struct manifest *manifest, const char *name)
{
    for (size_t i = 0; i < manifest->added_count; i++)
        if (strcmp(manifest->added[i].name, name) == 0)
            return &manifest->added[i];
    return NULL;
}

/* An option in a scope of the core is one module's. */
static bool added_differ(const struct manifest_set *set, char *error, size_t error_size)
{
    for (size_t i = 0; i < set->count; i++)
        for (size_t j = 0; j < set->manifests[i].added_count; j++)
            for (size_t k = 0; k < i; k++) {
                const struct manifest *manifest = &set->manifests[i], *other = &set->manifests[k];
                if (!find_added(other, manifest->added[j].name))
                    continue;
                snprintf(error, error_size,
                         "%s: option \"%s\" of module \"%s\" is also one of module \"%s\" (%s)",
                         manifest->file, manifest->added[j].name, manifest->name, other->name, other->file);
                return false;
            }
    return true;
}

static void make_schemas(struct manifest_set *set)
{
    set->schemas = mem_array(set->count, sizeof *set->schemas);
    for (size_t i = 0; i < set->count; i++)
        set->schemas[i] = (struct conf_module_schema){
            .name = set->manifests[i].name,
            .singleton = set->manifests[i].singleton,
            .options = set->manifests[i].options,
            .option_count = set->manifests[i].option_count,
            .added = set->manifests[i].added,
            .added_count = set->manifests[i].added_count,
            .listens = announces_listener(&set->manifests[i]),
        };
}

struct manifest_set *manifest_set_read(const char *directory, char *error, size_t error_size)
{
    struct dirent **entries;
    int found = scandir(directory, &entries, is_manifest, alphasort);
    if (found < 0) {
        snprintf(error, error_size, "modules: cannot read the directory %s: %s", directory, strerror(errno));
        return NULL;
    }
    struct manifest_set *set = mem_new(struct manifest_set);
    set->manifests = mem_array((size_t)found, sizeof *set->manifests);
    bool fine = true;
    for (int i = 0; i < found; i++) {
        if (fine) {
            char *file = mem_printf("%s/%s", directory, entries[i]->d_name);
            fine = manifest_read(&set->manifests[set->count++], file, error, error_size);
            free(file);
        }
        free(entries[i]);
    }
    free(entries);
    if (fine) {
        qsort(set->manifests, set->count, sizeof *set->manifests, by_name);
        fine = names_differ(set, error, error_size) && added_differ(set, error, error_size);
    }
    if (!fine) {
        manifest_set_free(set);
        return NULL;
    }
    make_schemas(set);
    return set;
}

void manifest_set_free(struct manifest_set *set)
{
    if (!set)
        return;
    for (size_t i = 0; i < set->count; i++)
        manifest_release(&set->manifests[i]);
    free(set->manifests);
    free(set->schemas);
    free(set);
}

const struct conf_module_schema *manifest_set_schemas(const struct manifest_set *set, size_t *count)
{
    *count = set->count;
    return set->schemas;
}

const char *manifest_set_listener(const struct manifest_set *set, size_t index)
{
    for (size_t i = 0; i < set->count; i++)
        if (announces_listener(&set->manifests[i]) && index-- == 0)
            return set->manifests[i].name;
    return NULL;
}

const char *manifest_set_announced(const struct manifest_set *set, const char *kind, size_t index)
{
    size_t size = strlen(kind);
    for (size_t i = 0; i < set->count; i++) {
        const struct name_list *list = &set->manifests[i].announced;
        for (size_t j = 0; j < list->count; j++)
            if (strncmp(list->names[j], kind, size) == 0 && list->names[j][size] == '.' && index-- == 0)
                return list->names[j] + size + 1;
    }
    return NULL;
}

size_t manifest_count(const struct manifest_set *set)
{
    return set->count;
}

const struct manifest *manifest_at(const struct manifest_set *set, size_t index)
{
    return &set->manifests[index];
}

const struct manifest *manifest_find(const struct manifest_set *set, const char *name)
{
    for (size_t i = 0; i < set->count; i++)
        if (strcasecmp(set->manifests[i].name, name) == 0)
            return &set->manifests[i];
    return NULL;
}
