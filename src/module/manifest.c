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
 *     msys.requires = ds_core                       set up first; several names, or several such lines
 *     msys.provides = config.Global:greylist_delay  a core option that loads the module implicitly when it is
 * set
 *     msys.provides = smtp_extension.XGREY          what it registers and a configuration can name: an
 *                                                   extension of SMTP, a delivery_method.NAME
 *     msys.provides = listener                      its stanza holds Listens, whose connections it takes
 *     option.delay = duration 300                   an option of the module's stanza: its type and default
 *     option.mode = enum(defer|tag) defer
 *     note.delay = how long a new sender waits      one line about an option above
 *     accepted.cluster = no cluster here            ... that is read and has no effect, and why
 *     different.mode = tagged mail has no score     ... that has another effect than Momentum's
 *     unsupported.strict = all would be let in      ... that it would be dangerous to pass over: refused
 *     instead.strict = use the firewall             what to do instead of an option that has no effect
 *
 * Every stanza also has `enabled` and `debug_level`, as all of Momentum's modules do.
 */
#include "module/manifest.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/mem.h"

/* What a line of a manifest is read into. */
struct manifest_reader {
    struct manifest *manifest;
    unsigned line;
    char *error;
    size_t error_size;
};

static const struct {
    const char *name;
    enum conf_type type;
} type_names[] = {
    {"bool", CONF_BOOL},         {"int", CONF_INT},           {"size", CONF_SIZE},
    {"duration", CONF_DURATION}, {"mode", CONF_MODE},         {"port", CONF_PORT},
    {"string", CONF_STRING},     {"enum", CONF_ENUM},         {"address", CONF_ADDRESS},
    {"cidr", CONF_CIDR},         {"list", CONF_LIST},         {"cidr_list", CONF_CIDR_LIST},
    {"dict", CONF_DICT},         {"throttle", CONF_THROTTLE},
};

static const struct conf_option common_options[] = {
    {.name = "enabled",
     .type = CONF_BOOL,
     .default_text = "true",
     .dynamic = true,
     .note = "false: the stanza is read, the module is not set up"},
    {.name = "debug_level",
     .type = CONF_ENUM,
     .default_text = "ERROR",
     .dynamic = true,
     .choices = "CRITICAL|ERROR|WARNING|NOTICE|INFO|DEBUG",
     .note = "lines of the module less severe than this are not written to the paniclog"},
};

/* Writes "FILE:LINE: what" and is false, for `return complain(...)`. */
static bool complain(struct manifest_reader *reader, const char *what, struct slice about)
{
    snprintf(reader->error, reader->error_size, "%s:%u: %s%s%.*s%s", reader->manifest->file, reader->line,
             what, about.size ? " \"" : "", (int)about.size, about.size ? about.data : "",
             about.size ? "\"" : "");
    return false;
}

static char *lower_copy(struct slice text)
{
    char *copy = mem_copy_text(text.data, text.size);
    for (size_t i = 0; i < text.size; i++)
        copy[i] = ascii_lower(copy[i]);
    return copy;
}

static void name_list_add(struct name_list *list, struct slice name)
{
    list->names = mem_resize(list->names, (list->count + 1) * sizeof *list->names);
    list->names[list->count++] = lower_copy(name);
}

static bool is_name(struct slice name)
{
    for (size_t i = 0; i < name.size; i++) {
        char c = ascii_lower(name.data[i]);
        if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '-'))
            return false;
    }
    return name.size > 0;
}

/* Does `key` begin with `prefix`? *name is what follows. */
static bool split_key(struct slice key, const char *prefix, struct slice *name)
{
    struct slice start = slice_text(prefix);
    if (!slice_starts_nocase(key, start))
        return false;
    *name = slice_of(key.data + start.size, key.size - start.size);
    return true;
}

/* ---- keys --------------------------------------------------------------------------------------------- */

static bool read_kind(struct manifest_reader *reader, struct slice value)
{
    reader->manifest->singleton = slice_equal_nocase(value, SLICE_LITERAL("singleton"));
    if (!reader->manifest->singleton && !slice_equal_nocase(value, SLICE_LITERAL("generic")))
        return complain(reader, "kind is singleton or generic, not", value);
    return true;
}

static bool read_object(struct manifest_reader *reader, struct slice value)
{
    struct manifest *manifest = reader->manifest;
    if (value.size == 0 || memchr(value.data, '/', value.size))
        return complain(reader, "object is the name of a file in the manifest's directory, not", value);
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
        if (name.size && !is_name(name))
            return complain(reader, "not a module name:", name);
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
        if (split_key(value, announced_kinds[i], &name)) {
            if (!is_name(name))
                return complain(reader, "not a name:", name);
            name_list_add(&reader->manifest->announced, value);
            return true;
        }
    if (!slice_starts_nocase(value, SLICE_LITERAL("config.")))
        return complain(reader, "provides wants config.SCOPE:OPTION, or KIND.NAME of something that it registers, not", value);
    size_t start = value.size;
    while (value.data[start - 1] != '.' && value.data[start - 1] != ':')
        start--;
    struct slice option = slice_of(value.data + start, value.size - start);
    char *known_as = lower_copy(option);
    bool known = conf_option_find(known_as) != NULL;
    free(known_as);
    if (!known)
        return complain(reader, "provides an option that is no core option:", option);
    name_list_add(&reader->manifest->provides, option);
    return true;
}

static struct conf_option *find_option(struct manifest *manifest, struct slice name)
{
    for (size_t i = 0; i < manifest->option_count; i++)
        if (slice_equal_nocase(slice_text(manifest->options[i].name), name))
            return &manifest->options[i];
    return NULL;
}

static void add_option(struct manifest *manifest, const struct conf_option *option)
{
    manifest->options =
        mem_resize(manifest->options, (manifest->option_count + 1) * sizeof *manifest->options);
    manifest->options[manifest->option_count++] = (struct conf_option){
        .name = mem_dup(option->name),
        .type = option->type,
        .default_text = mem_dup(option->default_text),
        .choices = mem_dup(option->choices),
        .scopes = "",
        .dynamic = true,
        .support = CONF_HONOURED,
        .note = mem_dup(option->note),
    };
}

/* `value` is "TYPE [DEFAULT]"; the type enum has its choices in parentheses. */
static bool read_option(struct manifest_reader *reader, struct slice name, struct slice value)
{
    struct slice type, choices = {0};
    if (!is_name(name))
        return complain(reader, "not an option name:", name);
    if (find_option(reader->manifest, name))
        return complain(reader, "this option is declared twice:", name);
    if (!slice_next(&value, ' ', &type))
        return complain(reader, "an option has a type:", name);
    value = slice_trim(value);
    const char *open = memchr(type.data, '(', type.size);
    if (open && type.data[type.size - 1] == ')') {
        choices = slice_of(open + 1, (size_t)(type.data + type.size - 1 - (open + 1)));
        type.size = (size_t)(open - type.data);
    }
    for (size_t i = 0; i < sizeof type_names / sizeof type_names[0]; i++) {
        if (!slice_equal_nocase(type, slice_text(type_names[i].name)))
            continue;
        if ((type_names[i].type == CONF_ENUM) != (choices.size > 0))
            return complain(reader, "choices are for enum, written enum(a|b|c):", name);
        char *texts[] = {lower_copy(name), value.size ? mem_copy_text(value.data, value.size) : NULL,
                         choices.size ? mem_copy_text(choices.data, choices.size) : NULL};
        add_option(reader->manifest, &(struct conf_option){.name = texts[0],
                                                           .type = type_names[i].type,
                                                           .default_text = texts[1],
                                                           .choices = texts[2]});
        for (size_t j = 0; j < sizeof texts / sizeof texts[0]; j++)
            free(texts[j]);
        return true;
    }
    return complain(reader, "no such option type:", type);
}

/* What is said of an option that was declared, and how well it is supported. */
static bool read_note(struct manifest_reader *reader, struct slice name, struct slice value,
                      enum conf_support support)
{
    struct conf_option *option = find_option(reader->manifest, name);
    if (!option)
        return complain(reader, "no such option is declared above:", name);
    option->support = support;
    free((char *)option->note);
    option->note = mem_copy_text(value.data, value.size);
    return true;
}

static bool read_instead(struct manifest_reader *reader, struct slice name, struct slice value)
{
    struct conf_option *option = find_option(reader->manifest, name);
    if (!option)
        return complain(reader, "no such option is declared above:", name);
    free((char *)option->instead);
    option->instead = mem_copy_text(value.data, value.size);
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

static const struct { /* a prefix that an option's name follows */
    const char *prefix;
    bool (*read)(struct manifest_reader *reader, struct slice name, struct slice value);
} named_keys[] = {
    {"option.", read_option},
    {"instead.", read_instead},
};

static const struct {
    const char *prefix;
    enum conf_support support;
} note_keys[] = {
    {"note.", CONF_HONOURED},
    {"accepted.", CONF_ACCEPTED},
    {"different.", CONF_DIFFERENT},
    {"unsupported.", CONF_UNSUPPORTED},
};

static bool read_pair(struct manifest_reader *reader, struct slice key, struct slice value)
{
    struct slice name;
    if (!reader->manifest->name)
        return complain(reader, "a manifest begins with [module name], not with", key);
    for (size_t i = 0; i < sizeof plain_keys / sizeof plain_keys[0]; i++)
        if (slice_equal_nocase(key, slice_text(plain_keys[i].key)))
            return plain_keys[i].read(reader, value);
    for (size_t i = 0; i < sizeof named_keys / sizeof named_keys[0]; i++)
        if (split_key(key, named_keys[i].prefix, &name))
            return named_keys[i].read(reader, name, value);
    for (size_t i = 0; i < sizeof note_keys / sizeof note_keys[0]; i++)
        if (split_key(key, note_keys[i].prefix, &name))
            return read_note(reader, name, value, note_keys[i].support);
    return complain(reader, "no such key:", key);
}

static bool read_line(struct manifest_reader *reader, struct slice line)
{
    while (line.size && (line.data[line.size - 1] == '\n' || line.data[line.size - 1] == '\r'))
        line.size--;
    line = slice_trim(line);
    if (line.size == 0 || line.data[0] == '#')
        return true;
    if (line.data[0] == '[' && line.data[line.size - 1] == ']') {
        struct slice name = slice_trim(slice_of(line.data + 1, line.size - 2));
        if (reader->manifest->name)
            return complain(reader, "a manifest describes one module; this is the second:", name);
        if (!is_name(name))
            return complain(reader, "not a module name:", name);
        reader->manifest->name = lower_copy(name);
        return true;
    }
    const char *equals = memchr(line.data, '=', line.size);
    if (!equals)
        return complain(reader, "expected KEY = VALUE:", line);
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
        return complain(reader, "a manifest begins with [module name]", (struct slice){0});
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
    for (size_t i = 0; fine && i < sizeof common_options / sizeof common_options[0]; i++)
        if (!find_option(manifest, slice_text(common_options[i].name)))
            add_option(manifest, &common_options[i]);
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
    for (size_t i = 0; i < manifest->option_count; i++) {
        free((char *)manifest->options[i].name);
        free((char *)manifest->options[i].default_text);
        free((char *)manifest->options[i].choices);
        free((char *)manifest->options[i].note);
        free((char *)manifest->options[i].instead);
    }
    free(manifest->options);
    name_list_free(&manifest->requires);
    name_list_free(&manifest->provides);
    name_list_free(&manifest->announced);
    free(manifest->file);
    free(manifest->object);
    free(manifest->name);
    free(manifest->description);
}
