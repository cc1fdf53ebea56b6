/*
 * include: finding and reading the files that include and readonly_include name.
 *
 * A relative name is looked for beside the including file, then in the load's search path. Of a directory,
 * every file is read in the order of names, without hidden ones and without going into sub-directories.
 * Source: Momentum 4 manual, "Configuration Overview".
 */
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include "confparse/loader.h"

struct inclusion { /* one include statement at work */
    struct conf_loader *loader;
    struct conf_span span;
    struct ast_stanza *stanza;
    unsigned depth;
};

static void __attribute__((format(printf, 2, 3))) fail(const struct inclusion *at, const char *format, ...)
{
    char message[PATH_MAX + 256];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(message, sizeof message, format, arguments);
    va_end(arguments);
    conf_report_at_span(at->loader->report, CONF_ERROR, at->span, "%s", message);
}

struct conf_source *conf_open_source(struct conf_loader *loader, const char *path,
                                     const struct conf_source *includer)
{
    struct conf_source *source = conf_source_read(path);
    if (source) {
        source->includer = includer;
        conf_report_take_source(loader->report, source);
    }
    return source;
}

/* Is the file at `path` the one that holds the include statement, or one that led to it? */
static bool is_open(const struct conf_source *source, const struct stat *status)
{
    for (; source; source = source->includer)
        if (source->inode && source->inode == status->st_ino && source->device == status->st_dev)
            return true;
    return false;
}

static void include_file(const struct inclusion *at, const char *path, const struct stat *status)
{
    struct conf_loader *loader = at->loader;
    if (is_open(at->span.source, status)) {
        fail(at, "%s includes itself, directly or through another file", path);
        return;
    }
    if (loader->include_depth == CONF_INCLUDE_MAX) {
        fail(at, "files include each other deeper than %d", CONF_INCLUDE_MAX);
        return;
    }
    if (loader->files == CONF_FILES_MAX) {
        fail(at, "more than %d files are included", CONF_FILES_MAX);
        return;
    }
    const struct conf_source *source = conf_open_source(loader, path, at->span.source);
    if (!source) {
        fail(at, "cannot read %s: %s", path, strerror(errno));
        return;
    }
    loader->files++;
    loader->include_depth++;
    conf_parse(loader, source, at->stanza, at->depth);
    loader->include_depth--;
}

static int is_visible(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

static int compare_names(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

static void include_directory(const struct inclusion *at, const char *directory)
{
    struct dirent **entries;
    int count = scandir(directory, &entries, is_visible, compare_names);
    if (count < 0) {
        fail(at, "cannot read the directory %s: %s", directory, strerror(errno));
        return;
    }
    for (int i = 0; i < count; i++) {
        char path[PATH_MAX];
        struct stat status;
        int length = snprintf(path, sizeof path, "%s/%s", directory, entries[i]->d_name);
        if (length < 0 || (size_t)length >= sizeof path)
            fail(at, "the path of %s in %s is too long", entries[i]->d_name, directory);
        else if (stat(path, &status) != 0)
            fail(at, "cannot read %s: %s", path, strerror(errno));
        else if (S_ISREG(status.st_mode))
            include_file(at, path, &status);
        free(entries[i]);
    }
    free(entries);
}

/* Writes the first of the places `name` may stand for that exists. False: errno says why there is none. */
static bool resolve(const struct inclusion *at, struct conf_text name, char path[PATH_MAX],
                    struct stat *status)
{
    const char *beside = at->span.source->name, *slash = strrchr(beside, '/');
    const char *search = at->loader->options->search_path;
    int size = (int)name.size, length;
    if (name.size >= PATH_MAX) {
        errno = ENAMETOOLONG;
        return false;
    }
    if (name.data[0] == '/' || !slash)
        length = snprintf(path, PATH_MAX, "%.*s", size, name.data);
    else
        length = snprintf(path, PATH_MAX, "%.*s/%.*s", (int)(slash - beside), beside, size, name.data);
    if (length < PATH_MAX && stat(path, status) == 0)
        return true;
    if (name.data[0] != '/' && search) {
        length = snprintf(path, PATH_MAX, "%s/%.*s", search, size, name.data);
        if (length < PATH_MAX && stat(path, status) == 0)
            return true;
    }
    if (length >= PATH_MAX)
        errno = ENAMETOOLONG;
    return false;
}

void conf_include(struct conf_loader *loader, struct conf_text name, struct conf_span span,
                  struct ast_stanza *stanza, unsigned depth)
{
    static const struct conf_text scheme = {"file://", 7};
    const struct inclusion at = {loader, span, stanza, depth};
    char path[PATH_MAX];
    struct stat status;
    if (name.size > scheme.size && memcmp(name.data, scheme.data, scheme.size) == 0) {
        name.data += scheme.size;
        name.size -= scheme.size;
    }
    if (name.size == 0)
        fail(&at, "the name of the file to include is empty");
    else if (!resolve(&at, name, path, &status))
        fail(&at, "cannot include %.*s: %s", name.size > 200 ? 200 : (int)name.size, name.data,
             strerror(errno));
    else if (S_ISDIR(status.st_mode))
        include_directory(&at, path);
    else if (S_ISREG(status.st_mode))
        include_file(&at, path, &status);
    else
        fail(&at, "%s is neither a file nor a directory", path);
}

void conf_include_local_changes(struct conf_loader *loader, struct ast_stanza *root)
{
    const struct ast_assignment *last = NULL;
    for (const struct ast_assignment *at = root->assignments; at; at = at->next)
        if (conf_text_is(at->name, "local_changes_file") && at->value->shape == AST_SCALAR)
            last = at;
    char path[PATH_MAX];
    struct stat status;
    struct inclusion at = {.loader = loader, .stanza = root};
    if (!last)
        return;
    at.span = last->value->span;
    if (last->value->text.size && resolve(&at, last->value->text, path, &status) && S_ISREG(status.st_mode))
        include_file(&at, path, &status);
}
