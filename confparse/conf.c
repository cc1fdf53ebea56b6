/* conf: loading a generation, and sharing it. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "confparse/build.h"
#include "confparse/pattern.h"
#include "confparse/scope.h"

static atomic_uint generations; /* handed out so far in this process */

static void free_conf(struct conf *conf)
{
    for (size_t i = 0; i < conf->pattern_count; i++)
        conf_pattern_free(conf->patterns[i]);
    free(conf->patterns);
    conf_arena_free(&conf->arena);
    free(conf);
}

static const struct conf_load_options no_options;

static struct conf_loader make_loader(const struct conf_load_options *options)
{
    return (struct conf_loader){
        .options = options ? options : &no_options, .report = conf_report_create(), .include = conf_include};
}

/* Parses and builds from an opened source; NULL: it could not be read, which the report says already. */
static struct conf *load(struct conf_loader *loader, const struct conf_source *source)
{
    struct conf *conf = NULL;
    if (source) {
        struct ast_stanza *root = conf_ast_stanza(loader);
        conf = conf_alloc(sizeof *conf);
        atomic_init(&conf->references, 1);
        root->kind_span = (struct conf_span){source, 1, 1, 1};
        conf_parse(loader, source, root, 0);
        conf_include_local_changes(loader, root);
        conf_build(loader, root, conf);
        if (loader->options->check)
            loader->options->check(conf, loader->report, loader->options->check_argument);
    }
    conf_report_sort(loader->report);
    conf_arena_free(&loader->arena);
    if (conf && conf_report_errors(loader->report)) {
        free_conf(conf);
        return NULL;
    }
    if (conf)
        conf->generation = atomic_fetch_add(&generations, 1) + 1;
    return conf;
}

struct conf *conf_load(const char *path, const struct conf_load_options *options, struct conf_report **report)
{
    struct conf_loader loader = make_loader(options);
    const struct conf_source *source = conf_open_source(&loader, path, NULL);
    *report = loader.report;
    if (!source)
        conf_report_add(loader.report, CONF_ERROR, (struct conf_place){path, 0, 0}, "cannot read: %s",
                        strerror(errno));
    return load(&loader, source);
}

struct conf *conf_load_text(const char *name, const char *text, size_t size,
                            const struct conf_load_options *options, struct conf_report **report)
{
    struct conf_loader loader = make_loader(options);
    struct conf_source *source = NULL;
    *report = loader.report;
    if (size > CONF_SOURCE_MAX) {
        conf_report_add(loader.report, CONF_ERROR, (struct conf_place){name, 0, 0}, "cannot read: %s",
                        strerror(EFBIG));
    } else {
        source = conf_source_from_text(name, text, size);
        conf_report_take_source(loader.report, source);
    }
    return load(&loader, source);
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
