/*
 * manifest: reads one .ecm file.
 *
 * A manifest is lines of `key = value` under one [module name]; '#' begins a comment line. It is Momentum's
 * form (manual, "Primary Momentum APIs", the .ecm file) with keys of our own for what Momentum's modules
 * declare in C:
 *
 *     [greylist]
 *     description = Defers mail from senders not seen before
 *     kind = singleton                              or generic: any number of named stanzas
 *     object = greylist.so                          default: the manifest's own base name with .so
 *     msys.requires = relay                         set up first; several names, or several such lines
 *     msys.provides = config.Global:greylist_delay  a core option that loads the module implicitly when it is
 * set
 *     msys.provides = smtp_extension.XGREY          what it registers and a configuration can name: an
 *                                                   extension of SMTP, a delivery_method.NAME
 *     msys.provides = listener                      its stanza holds Listens, whose connections it takes
 *     option.delay = duration 300                   an option of the module, and more about it:
 *                                                   manifest_option.c
 *
 * Every stanza also has `enabled` and `debug_level`, as all of Momentum's modules do.
 */
#include "module/manifest_reader.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/mem.h"

static void name_list_add(struct name_list *list, struct slice name)
{
    list->names = mem_resize(list->names, (list->count + 1) * sizeof *list->names);
    list->names[list->count++] = manifest_lower(name);
}

bool manifest_is_core_word(const char *name)
{
    static const char *const others[] = {"global", "include", "readonly_include"};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        if (strcasecmp(name, others[i]) == 0)
            return true;
    return conf_option_find(name) != NULL;
}

/* ---- keys --------------------------------------------------------------------------------------------- */

static bool read_kind(struct manifest_reader *reader, struct slice value)
{
    reader->manifest->singleton = slice_equal_nocase(value, SLICE_LITERAL("singleton"));
    if (!reader->manifest->singleton && !slice_equal_nocase(value, SLICE_LITERAL("generic")))
        return manifest_complain(reader, "kind is singleton or generic, not", value);
    return true;
}

static bool read_object(struct manifest_reader *reader, struct slice value)
{
    struct manifest *manifest = reader->manifest;
    if (value.size == 0 || memchr(value.data, '/', value.size))
        return manifest_complain(reader, "object is the name of a file in the manifest's directory, not",
                                 value);
    const char *slash = strrchr(manifest->file, '/');
    free(manifest->object);
    manifest->object = mem_printf("%.*s%.*s", slash ? (int)(slash + 1 - manifest->file) : 0, manifest->file,
                                  (int)value.size, value.data);
    return true;
}

static bool read_description(struct manifest_reader *reader, struct slice value)
{
    free(reader->manifest->description);
    reader->manifest->description = mem_copy_text(value.data, value.size);
    return true;
}

static bool read_requires(struct manifest_reader *reader, struct slice value)
{
    struct slice name;
    while (slice_next(&value, ' ', &name))
        if (name.size && !manifest_is_name(name))
            return manifest_complain(reader, "not a module name:", name);
        else if (name.size)
            name_list_add(&reader->manifest->requires, name);
    return true;
}

/* What a module registers when it is set up, and a configuration can name. */
static const char *const announced_kinds[] = {"delivery_method.", "smtp_extension."};

/* "config.Global:Binding:Domain.MyKey" or "config.Global:MyKey": the option's name is the last part. */
static bool read_provides(struct manifest_reader *reader, struct slice value)
{
    struct slice name;
    if (slice_equal_nocase(value, SLICE_LITERAL("listener"))) {
        name_list_add(&reader->manifest->announced, value);
        return true;
    }
    for (size_t i = 0; i < sizeof announced_kinds / sizeof announced_kinds[0]; i++)
        if (manifest_split_key(value, announced_kinds[i], &name)) {
            if (!manifest_is_name(name))
                return manifest_complain(reader, "not a name:", name);
            name_list_add(&reader->manifest->announced, value);
            return true;
        }
    if (!slice_starts_nocase(value, SLICE_LITERAL("config.")))
        return manifest_complain(
            reader, "provides wants config.SCOPE:OPTION, or KIND.NAME of something that it registers, not",
            value);
    size_t start = value.size;
    while (value.data[start - 1] != '.' && value.data[start - 1] != ':')
        start--;
    struct slice option = slice_of(value.data + start, value.size - start);
    char *known_as = manifest_lower(option);
    bool known = conf_option_find(known_as) != NULL;
    free(known_as);
    if (!known)
        return manifest_complain(reader, "provides an option that is no core option:", option);
    name_list_add(&reader->manifest->provides, option);
    return true;
}

static const struct {
    const char *key;
    bool (*read)(struct manifest_reader *reader, struct slice value);
} plain_keys[] = {
    {"kind", read_kind},
    {"object", read_object},
    {"description", read_description},
    {"requires", read_requires},
    {"msys.requires", read_requires},
    {"provides", read_provides},
    {"msys.provides", read_provides},
    {"msys.provides:auto", read_provides},
};

static bool read_pair(struct manifest_reader *reader, struct slice key, struct slice value)
{
    bool fine;
    if (!reader->manifest->name)
        return manifest_complain(reader, "a manifest begins with [module name], not with", key);
    for (size_t i = 0; i < sizeof plain_keys / sizeof plain_keys[0]; i++)
        if (slice_equal_nocase(key, slice_text(plain_keys[i].key)))
            return plain_keys[i].read(reader, value);
    if (manifest_read_option(reader, key, value, &fine))
        return fine;
    return manifest_complain(reader, "no such key:", key);
}

/* Momentum has modules whose stanzas options.def describes (cluster): here they may be modules as well. */
static bool read_name(struct manifest_reader *reader, struct slice name)
{
    if (reader->manifest->name)
        return manifest_complain(reader, "a manifest describes one module; this is the second:", name);
    if (!manifest_is_name(name))
        return manifest_complain(reader, "not a module name:", name);
    reader->manifest->name = manifest_lower(name);
    if (manifest_is_core_word(reader->manifest->name) && !conf_documented_find(reader->manifest->name))
        return manifest_complain(reader, "the core has an option or stanza of this name; choose another than",
                                 name);
    return true;
}

static bool read_line(struct manifest_reader *reader, struct slice line)
{
    while (line.size && (line.data[line.size - 1] == '\n' || line.data[line.size - 1] == '\r'))
        line.size--;
    line = slice_trim(line);
    if (line.size == 0 || line.data[0] == '#')
        return true;
    if (line.data[0] == '[' && line.data[line.size - 1] == ']')
        return read_name(reader, slice_trim(slice_of(line.data + 1, line.size - 2)));
    const char *equals = memchr(line.data, '=', line.size);
    if (!equals)
        return manifest_complain(reader, "expected KEY = VALUE:", line);
    size_t key_size = (size_t)(equals - line.data);
    return read_pair(reader, slice_trim(slice_of(line.data, key_size)),
                     slice_trim(slice_of(equals + 1, line.size - key_size - 1)));
}

/* ---- files -------------------------------------------------------------------------------------------- */

static void default_object(struct manifest *manifest)
{
    size_t stem = strlen(manifest->file) - strlen(".ecm");
    manifest->object = mem_printf("%.*s.so", (int)stem, manifest->file);
}

static bool read_file(struct manifest_reader *reader, FILE *in)
{
    char *text = NULL;
    size_t capacity = 0;
    ssize_t size;
    bool fine = true;
    while (fine && (size = getline(&text, &capacity, in)) >= 0) {
        reader->line++;
        fine = read_line(reader, slice_of(text, (size_t)size));
    }
    free(text);
    if (fine && !reader->manifest->name)
        return manifest_complain(reader, "a manifest begins with [module name]", (struct slice){0});
    return fine;
}

/* Opens a file that has an end: not a FIFO, which would be waited for, nor a device. NULL with errno. */
static FILE *open_file(const char *path)
{
    struct stat status;
    int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0)
        return NULL;
    if (fstat(fd, &status) == 0 && S_ISREG(status.st_mode))
        return fdopen(fd, "r");
    close(fd);
    errno = EINVAL;
    return NULL;
}

bool manifest_read(struct manifest *manifest, const char *file, char *error, size_t error_size)
{
    manifest->file = mem_dup(file);
    struct manifest_reader reader = {.manifest = manifest, .error = error, .error_size = error_size};
    FILE *in = open_file(manifest->file);
    if (!in) {
        snprintf(error, error_size, "%s: %s", manifest->file,
                 errno == EINVAL ? "not a regular file" : strerror(errno));
        return false;
    }
    default_object(manifest);
    manifest->description = mem_dup("");
    bool fine = read_file(&reader, in);
    fclose(in);
    if (fine)
        manifest_add_common(manifest);
    return fine;
}

static void name_list_free(struct name_list *list)
{
    for (size_t i = 0; i < list->count; i++)
        free(list->names[i]);
    free(list->names);
}

void manifest_release(struct manifest *manifest)
{
    manifest_release_options(manifest);
    name_list_free(&manifest->requires);
    name_list_free(&manifest->provides);
    name_list_free(&manifest->announced);
    free(manifest->file);
    free(manifest->object);
    free(manifest->name);
    free(manifest->description);
}
