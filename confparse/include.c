/*
 * include: finding and reading the files that include and readonly_include name.
 *
 * A relative name is looked for beside the including file, then in the load's search path. Of a directory,
 * every file is read in the order of names, without hidden ones and without going into sub-directories.
 * A URI must name a file of this machine: file://, or persist://, which in Momentum keeps copies of remote
 * files. Source: Momentum 4 manual, "Configuration Overview".
 */
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include "confparse/file_set.h"
#include "confparse/loader.h"

struct inclusion { /* one include statement at work */
    struct conf_loader *loader;
    const struct ast_inclusion *ast;
    unsigned depth;
};

static void __attribute__((format(printf, 2, 3))) fail(const struct inclusion *at, const char *format, ...)
{
    char message[PATH_MAX + 256];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(message, sizeof message, format, arguments);
    va_end(arguments);
    conf_report_at_span(at->loader->report, CONF_ERROR, at->ast->span, "%s", message);
}

/* ---- reading one file ---------------------------------------------------------------------------------- */

/* What the file at `path` holds: as the set that is loaded from has it, else as the disk has it. */
static bool read_entry(const struct conf_loader *loader, const char *path, enum conf_reading reading,
                       struct conf_file_entry *entry)
{
    const struct conf_file_entry *given = loader->given ? conf_files_find(loader->given, path) : NULL;
    struct stat status;
    if (given) {
        entry->content = conf_content_ref(given->content);
        entry->disk = conf_disk_ref(given->disk);
        entry->in_memory = given->in_memory;
        return true;
    }
    given = stat(path, &status) == 0 ? conf_files_find_same(loader->files, &status) : NULL;
    entry->content = given ? conf_content_ref(given->content) : conf_content_read(path, reading);
    if (!entry->content)
        return false;
    entry->disk = given ? conf_disk_ref(given->disk) : conf_disk_create(entry->content, false);
    return true;
}

/* Takes the references of `entry`. */
static struct conf_source *add_source(struct conf_loader *loader, struct conf_file_entry *entry,
                                      const struct ast_inclusion *inclusion)
{
    struct conf_source *source = conf_source_create(entry->file.path, entry->content);
    conf_files_add(loader->files, entry);
    conf_disk_unref(entry->disk);
    source->inclusion = inclusion;
    source->includer = inclusion ? inclusion->span.source : NULL;
    conf_report_take_source(loader->report, source);
    return source;
}

struct conf_source *conf_open_main(struct conf_loader *loader, const char *path)
{
    struct conf_file_entry entry = {.file.path = path, .role = CONF_FILE_MAIN};
    enum conf_reading reading = loader->options->only_files ? CONF_READ_FILES : CONF_READ_STREAMS;
    return read_entry(loader, path, reading, &entry) ? add_source(loader, &entry, NULL) : NULL;
}

struct conf_source *conf_open_text(struct conf_loader *loader, const char *name, const char *text,
                                   size_t size)
{
    struct conf_file_entry entry = {.file.path = name, .role = CONF_FILE_MAIN, .in_memory = true};
    entry.content = conf_content_create(text, size);
    entry.disk = conf_disk_create(entry.content, false);
    return add_source(loader, &entry, NULL);
}

/* Is it the file that holds the include statement, or one that led to it? */
static bool is_open(const struct conf_source *source, const struct conf_file_entry *entry)
{
    for (; source; source = source->includer)
        if (source->content == entry->content)
            return true;
    return false;
}

static bool check_limits(const struct inclusion *at, const char *path, const struct conf_file_entry *entry)
{
    if (is_open(at->ast->span.source, entry))
        fail(at, "%s includes itself, directly or through another file", path);
    else if (at->loader->include_depth == CONF_INCLUDE_MAX)
        fail(at, "files include each other deeper than %d", CONF_INCLUDE_MAX);
    else if (at->loader->file_count == CONF_FILES_MAX)
        fail(at, "more than %d files are included", CONF_FILES_MAX);
    else
        return true;
    return false;
}

static void parse_entry(const struct inclusion *at, struct conf_file_entry *entry)
{
    struct conf_loader *loader = at->loader;
    if (!check_limits(at, entry->file.path, entry)) {
        conf_content_unref(entry->content);
        conf_disk_unref(entry->disk);
        return;
    }
    const struct conf_source *source = add_source(loader, entry, at->ast);
    loader->file_count++;
    loader->include_depth++;
    conf_parse(loader, source, at->ast->stanza, at->depth);
    loader->include_depth--;
}

static void include_file(const struct inclusion *at, const char *path, enum conf_file_role role)
{
    struct conf_file_entry entry = {.file = {.path = path, .read_only = at->ast->read_only}, .role = role};
    if (read_entry(at->loader, path, CONF_READ_FILES, &entry))
        parse_entry(at, &entry);
    else
        fail(at, "cannot read %s: %s", path, strerror(errno));
}

/* ---- reading a directory ------------------------------------------------------------------------------- */

static int is_visible(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

static int compare_names(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

static bool make_path(const struct inclusion *at, const char *directory, const char *name,
                      char path[PATH_MAX])
{
    int length = snprintf(path, PATH_MAX, "%s/%s", directory, name);
    if (length >= 0 && length < PATH_MAX)
        return true;
    fail(at, "the path of %s in %s is too long", name, directory);
    return false;
}

/* Reads the names of the directory's files into the set. */
static void list_directory(const struct inclusion *at, const char *directory)
{
    struct dirent **entries;
    int count = scandir(directory, &entries, is_visible, compare_names);
    if (count < 0) {
        fail(at, "cannot read the directory %s: %s", directory, strerror(errno));
        return;
    }
    char **names = conf_resize(NULL, (size_t)count, sizeof *names);
    size_t kept = 0;
    for (int i = 0; i < count; i++) {
        char path[PATH_MAX];
        struct stat status;
        if (!make_path(at, directory, entries[i]->d_name, path))
            continue;
        if (stat(path, &status) != 0)
            fail(at, "cannot read %s: %s", path, strerror(errno));
        else if (S_ISREG(status.st_mode))
            names[kept++] = entries[i]->d_name;
    }
    conf_files_add_directory(at->loader->files, directory, names, kept);
    for (int i = 0; i < count; i++)
        free(entries[i]);
    free(entries);
    free(names);
}

static void include_directory(const struct inclusion *at, const char *path)
{
    struct conf_loader *loader = at->loader;
    const struct conf_file_directory *given =
        loader->given ? conf_files_find_directory(loader->given, path) : NULL;
    if (given)
        conf_files_add_directory(loader->files, path, given->names, given->count);
    else if (!conf_files_find_directory(loader->files, path))
        list_directory(at, path);
    const struct conf_file_directory *directory = conf_files_find_directory(loader->files, path);
    size_t count = directory ? directory->count : 0;
    char *const *names = directory ? directory->names : NULL; /* which stay where they are */
    for (size_t i = 0; i < count; i++) {
        char file[PATH_MAX];
        if (make_path(at, path, names[i], file))
            include_file(at, file, CONF_FILE_INCLUDED);
    }
}

/* ---- which file is meant ------------------------------------------------------------------------------- */

enum kind { NOTHING, A_FILE, A_DIRECTORY, SOMETHING_ELSE };

/* What is at `path`; for NOTHING, errno says why. */
static enum kind look(const struct conf_loader *loader, const char *path)
{
    struct stat status;
    if (loader->given && conf_files_find(loader->given, path))
        return A_FILE;
    if (loader->given && conf_files_find_directory(loader->given, path))
        return A_DIRECTORY;
    if (stat(path, &status) != 0)
        return NOTHING;
    if (S_ISREG(status.st_mode))
        return A_FILE;
    return S_ISDIR(status.st_mode) ? A_DIRECTORY : SOMETHING_ELSE;
}

/* The place of a relative name beside the file it stands in. False: too long; path[] is its beginning. */
static bool place_beside(const struct inclusion *at, struct conf_text name, char path[PATH_MAX])
{
    const char *beside = at->ast->span.source->name, *slash = strrchr(beside, '/');
    int size = name.size < PATH_MAX ? (int)name.size : PATH_MAX, length;
    if (name.data[0] == '/' || !slash)
        length = snprintf(path, PATH_MAX, "%.*s", size, name.data);
    else
        length = snprintf(path, PATH_MAX, "%.*s/%.*s", (int)(slash - beside), beside, size, name.data);
    if (length >= 0 && length < PATH_MAX)
        return true;
    errno = ENAMETOOLONG;
    return false;
}

/* Writes the first of the places `name` may stand for that exists. NOTHING: errno says why there is none. */
static enum kind resolve(const struct inclusion *at, struct conf_text name, char path[PATH_MAX])
{
    const char *search = at->loader->options->search_path;
    enum kind found = place_beside(at, name, path) ? look(at->loader, path) : NOTHING;
    if (found != NOTHING || !search || name.size >= PATH_MAX || name.data[0] == '/')
        return found;
    char second[PATH_MAX];
    int length = snprintf(second, PATH_MAX, "%s/%.*s", search, (int)name.size, name.data);
    if (length < 0 || length >= PATH_MAX)
        return NOTHING;
    found = look(at->loader, second);
    if (found != NOTHING)
        memcpy(path, second, (size_t)length + 1);
    return found;
}

/* Takes a scheme that stands for a file of this machine off the name. False: it is of another scheme. */
static bool strip_scheme(struct conf_text *name)
{
    static const struct conf_text local[] = {{"persist://", 10}, {"file://", 7}}; /* in the order they nest */
    for (size_t i = 0; i < sizeof local / sizeof *local; i++)
        if (name->size >= local[i].size &&
            conf_text_compare_nocase((struct conf_text){name->data, local[i].size}, local[i]) == 0) {
            name->data += local[i].size;
            name->size -= local[i].size;
        }
    size_t scheme = 0;
    while (scheme < name->size &&
           strchr("abcdefghijklmnopqrstuvwxyz0123456789+.-", conf_lower(name->data[scheme])))
        scheme++;
    return scheme == 0 || name->size - scheme < 3 || memcmp(name->data + scheme, "://", 3) != 0;
}

void conf_include(struct conf_loader *loader, const struct ast_inclusion *inclusion, unsigned depth)
{
    const struct inclusion at = {loader, inclusion, depth};
    struct conf_text name = inclusion->name;
    int shown = name.size > 200 ? 200 : (int)name.size;
    char path[PATH_MAX];
    bool local = strip_scheme(&name);
    enum kind found = local && name.size ? resolve(&at, name, path) : SOMETHING_ELSE;
    if (!local)
        fail(&at, "cannot include %.*s: expected a path, file:// or persist:// and a path", shown,
             inclusion->name.data);
    else if (name.size == 0)
        fail(&at, "the name of the file to include is empty");
    else if (found == NOTHING)
        fail(&at, "cannot include %.*s: %s", shown, inclusion->name.data, strerror(errno));
    else if (found == A_DIRECTORY)
        include_directory(&at, path);
    else if (found == A_FILE)
        include_file(&at, path, CONF_FILE_INCLUDED);
    else
        fail(&at, "%s is neither a file nor a directory", path);
}

/* ---- what is read without a statement ------------------------------------------------------------------ */

/* An inclusion at the end of what was read. */
static struct ast_inclusion *include_at_end(struct conf_loader *loader, struct ast_stanza *root,
                                            struct conf_span span)
{
    struct ast_inclusion *inclusion = conf_ast_inclusion(loader, root, span);
    inclusion->at_end = true;
    return inclusion;
}

void conf_include_virtual(struct conf_loader *loader, struct ast_stanza *root)
{
    const struct conf_file_entry *given =
        loader->given ? conf_files_find_role(loader->given, CONF_FILE_VIRTUAL) : NULL;
    if (given) {
        const struct inclusion at = {loader, include_at_end(loader, root, root->kind_span), 0};
        include_file(&at, given->file.path, CONF_FILE_VIRTUAL);
    }
}

/* Local_Changes_File need not exist; it stands for an empty file then. */
static void include_local_changes(const struct inclusion *at, const char *path, enum kind found)
{
    const struct conf_file_entry *known = conf_files_find(at->loader->files, path);
    struct stat status;
    if (!known && found == A_FILE && stat(path, &status) == 0)
        known = conf_files_find_same(at->loader->files, &status);
    if (known) {
        fail(at, "Local_Changes_File must be a file of its own, but %s is %s", path,
             known->role == CONF_FILE_MAIN ? "the main configuration file" : "included");
    } else if (found == A_FILE) {
        include_file(at, path, CONF_FILE_LOCAL);
    } else if (found == NOTHING && errno == ENOENT) {
        struct conf_file_entry entry = {.file.path = path, .role = CONF_FILE_LOCAL};
        entry.content = conf_content_create("", 0);
        entry.disk = conf_disk_create(entry.content, true);
        parse_entry(at, &entry);
    } else {
        fail(at, "cannot read Local_Changes_File %s: %s", path,
             found == NOTHING ? strerror(errno) : "it is not a file");
    }
}

void conf_include_local_changes(struct conf_loader *loader, struct ast_stanza *root)
{
    const struct ast_assignment *last = NULL;
    for (const struct ast_assignment *at = root->assignments; at; at = at->next)
        if (conf_text_is(at->name, "local_changes_file") && at->value->shape == AST_SCALAR)
            last = at;
    if (!last || !last->value->text.size)
        return;
    const struct inclusion at = {loader, include_at_end(loader, root, last->value->span), 0};
    char path[PATH_MAX];
    enum kind found = resolve(&at, last->value->text, path);
    include_local_changes(&at, path, found);
}
