/* conf: loading a generation, and sharing it. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "confparse/build.h"
#include "confparse/file_set.h"
#include "confparse/match_cache.h"
#include "confparse/pattern.h"
#include "confparse/scope.h"

static atomic_uint generations; /* handed out so far in this process */

static void free_conf(struct conf *conf)
{
    for (size_t i = 0; i < conf->pattern_count; i++)
        conf_pattern_free(conf->patterns[i]);
    free(conf->patterns);
    conf_files_unref(conf->files);
    conf_match_cache_free(conf->matches);
    conf_arena_free(&conf->arena);
    free(conf);
}

static const struct conf_load_options no_options;

static struct conf_loader make_loader(const struct conf_load_options *options)
{
    struct conf_loader loader = {.options = options ? options : &no_options, .include = conf_include};
    loader.report = conf_report_create();
    loader.files = conf_files_create(loader.options->search_path);
    return loader;
}

/* Local_Changes_Only without a file to write to; a name for that file where it is not looked for. */
static void check_local_changes(const struct conf *conf, struct conf_report *report)
{
    const struct conf_value *only = conf_scope_value(conf->root, "local_changes_only");
    const struct conf_value *name = conf_scope_value(conf->root, "local_changes_file");
    const struct conf_file_entry *local = conf_files_find_role(conf->files, CONF_FILE_LOCAL);
    if (only && only->number && !local)
        conf_report_add(report, CONF_ERROR, only->place,
                        "local_changes_only needs local_changes_file, which is not set");
    if (name && local && strcmp(name->place.file, local->file.path) == 0)
        conf_report_add(report, CONF_WARNING, name->place,
                        "local_changes_file has no effect in the file that it names itself");
}

static struct conf *build(struct conf_loader *loader, const struct conf_source *source)
{
    struct conf *conf = conf_alloc(sizeof *conf);
    struct ast_stanza *root = conf_ast_stanza(loader);
    atomic_init(&conf->references, 1);
    conf->files = loader->files;
    root->kind_span = (struct conf_span){source, 1, 1, 1, 0};
    conf_parse(loader, source, root, 0);
    if (loader->statement) {
        conf_build(loader, root, conf);
        return conf;
    }
    conf_include_virtual(loader, root);
    conf_include_local_changes(loader, root);
    conf_build(loader, root, conf);
    check_local_changes(conf, loader->report);
    if (loader->options->check)
        loader->options->check(conf, loader->report, loader->options->check_argument);
    return conf;
}

/* Without patterns there is nothing that looking up again would cost. */
static void make_match_cache(struct conf *conf)
{
    struct conf_chain global;
    if (!conf->pattern_count)
        return;
    conf_chain_global(&global, conf);
    conf->matches = conf_match_cache_create((size_t)conf_chain_int(&global, "match_cache_size"),
                                            (uint64_t)conf_chain_int(&global, "match_cache_life"));
}

/* Parses and builds from an opened source; NULL: it could not be read, which the report says already. */
static struct conf *load(struct conf_loader *loader, const struct conf_source *source)
{
    struct conf *conf = source ? build(loader, source) : NULL;
    if (!conf)
        conf_files_unref(loader->files);
    conf_report_sort(loader->report);
    conf_arena_free(&loader->arena);
    if (conf && conf_report_errors(loader->report)) {
        free_conf(conf);
        return NULL;
    }
    if (conf && !loader->statement) {
        make_match_cache(conf);
        conf->generation = atomic_fetch_add(&generations, 1) + 1;
    }
    return conf;
}

static struct conf *load_file(struct conf_loader *loader, const char *path)
{
    const struct conf_source *source = conf_open_main(loader, path);
    if (!source)
        conf_report_add(loader->report, CONF_ERROR, (struct conf_place){path, 0, 0}, "cannot read: %s",
                        errno == EINVAL ? "it is not a file" : strerror(errno));
    return load(loader, source);
}

struct conf *conf_load(const char *path, const struct conf_load_options *options, struct conf_report **report)
{
    struct conf_loader loader = make_loader(options);
    *report = loader.report;
    return load_file(&loader, path);
}

struct conf *conf_load_files(const struct conf_files *files, const struct conf_load_options *options,
                             struct conf_report **report)
{
    struct conf_loader loader = make_loader(options);
    *report = loader.report;
    loader.given = files;
    return load_file(&loader, conf_files_at(files, 0)->path);
}

struct conf *conf_load_text(const char *name, const char *text, size_t size,
                            const struct conf_load_options *options, struct conf_report **report)
{
    struct conf_loader loader = make_loader(options);
    struct conf_source *source = NULL;
    *report = loader.report;
    if (size > CONF_SOURCE_MAX)
        conf_report_add(loader.report, CONF_ERROR, (struct conf_place){name, 0, 0}, "cannot read: %s",
                        strerror(EFBIG));
    else
        source = conf_open_text(&loader, name, text, size);
    return load(&loader, source);
}

static void refuse_include(struct conf_loader *loader, const struct ast_inclusion *inclusion, unsigned depth)
{
    (void)depth;
    conf_report_at_span(loader->report, CONF_ERROR, inclusion->span, "no file can be included here");
}

struct conf *conf_load_statement(const char *text, size_t size, const struct conf_load_options *options,
                                 struct conf_report **report)
{
    struct conf_loader loader = make_loader(options);
    *report = loader.report;
    loader.include = refuse_include;
    loader.statement = true;
    return load(&loader, conf_open_text(&loader, "(command)", text, size));
}

const struct conf_files *conf_get_files(const struct conf *conf)
{
    return conf->files;
}

struct conf *conf_ref(struct conf *conf)
{
    atomic_fetch_add_explicit(&conf->references, 1, memory_order_relaxed);
    return conf;
}

void conf_unref(struct conf *conf)
{
    if (conf && atomic_fetch_sub_explicit(&conf->references, 1, memory_order_acq_rel) == 1)
        free_conf(conf);
}

unsigned conf_generation(const struct conf *conf)
{
    return conf->generation;
}
