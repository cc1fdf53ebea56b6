/*
 * build: from the syntax tree to the scopes of a generation.
 *
 * build.c makes scopes of stanzas, with the options of each (entry.c), what its children are looked up by
 * (index.c) and the defaults of the tables (defaults.c). What is wrong goes to the loader's report; the
 * generation is only good when that holds no error.
 */
#ifndef IMPULSE_CONFPARSE_BUILD_H
#define IMPULSE_CONFPARSE_BUILD_H

#include "confparse/effect.h"
#include "confparse/loader.h"
#include "confparse/scope.h"

struct conf_setting; /* an assignment among its siblings (entry.c) */

struct conf_builder {
    struct conf_loader *loader;
    struct conf *conf;
    struct conf_effects *effects;
    struct conf_setting *settings; /* scratch of one scope */
    size_t setting_count, setting_capacity;
};

struct conf_class { /* what a stanza is where it stands */
    const char *kind;
    const struct conf_option *row;    /* of options.def, or NULL */
    const struct conf_module *module; /* whose scope it is, or NULL */
    bool unknown;                     /* nothing is known about its content: only the syntax is checked */
    bool idle;                        /* it has no effect, so whatever stands in it has none */
};

struct conf_member { /* a stanza among its siblings */
    struct conf_class class;
    const struct ast_stanza *stanza;
    const char *name, *key; /* as in struct conf_scope */
    size_t order;           /* in the files */
};

/* Checks the tree under `root` against the schema and the modules' manifests and fills `conf`, which is
 * empty. */
void conf_build(struct conf_loader *loader, const struct ast_stanza *root, struct conf *conf);

/* The options of a scope, from all of its stanzas; of an option that is set twice the last. */
void conf_build_entries(struct conf_builder *builder, struct conf_scope *scope,
                        const struct conf_member *members, size_t count);
/* Compiles the name of a Domain or Host that is a regular expression; `span` is where it stands. */
void conf_build_pattern(struct conf_builder *builder, struct conf_scope *scope, struct conf_span span);
/* Indexes the Peer and Domain stanzas among the finished children of `scope`. */
void conf_build_index(struct conf *conf, struct conf_scope *scope);
/* Indexes what stands in binding groups and pathway groups. */
void conf_build_groups(struct conf *conf);
/* Fills the defaults of options.def and copies the modules of the load with theirs. */
void conf_build_defaults(struct conf_builder *builder);

/* ---- for all of them ----------------------------------------------------------------------------------- */

#define CONF_COMPLAIN(builder, span, ...)                                                                    \
    conf_report_at_span((builder)->loader->report, CONF_ERROR, span, __VA_ARGS__)

/* For "%.*s" */
#define CONF_TEXT(text) (int)((text).size > 100 ? 100 : (text).size), (text).data

enum { CONF_SCOPES_MAX = 512 };
/* "a,b,c" as "a, b, c", in text[] */
const char *conf_list_scopes(const char *list, char text[CONF_SCOPES_MAX]);

/* Copies into the generation's memory. */
const char *conf_keep_lower(struct conf *conf, struct conf_text text);
struct conf_place conf_keep_place(struct conf *conf, struct conf_span span);

#endif
