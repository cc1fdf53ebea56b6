/*
 * builder: what the steps share that make scopes of the syntax tree (defaults.c, entry.c, index.c, and
 * build.c above them). One thread.
 */
#ifndef IMPULSE_CONFPARSE_BUILDER_H
#define IMPULSE_CONFPARSE_BUILDER_H

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
    const struct conf_option *row;            /* of options.def, or NULL */
    const struct conf_module *module;         /* whose scope it is, or NULL */
    const struct conf_documented *documented; /* a module that is not here, in whose stanza it is, or NULL */
    const char *path; /* then, and of a module: of the stanza in it (documented.h, added.h) */
    bool unknown;     /* nothing is known about its content: only the syntax is checked */
    bool idle;        /* it has no effect, so whatever stands in it has none */
};

struct conf_member { /* a stanza among its siblings */
    struct conf_class class;
    const struct ast_stanza *stanza;
    const char *name, *key; /* as in struct conf_scope */
    size_t order;           /* in the files */
};

/* An error at `span`, printf-style. */
#define CONF_COMPLAIN(builder, span, ...)                                                                    \
    conf_report_at_span((builder)->loader->report, CONF_ERROR, span, __VA_ARGS__)

/* A warning at `span`, printf-style. */
#define CONF_WARN(builder, span, ...)                                                                        \
    conf_report_at_span((builder)->loader->report, CONF_WARNING, span, __VA_ARGS__)

/* For "%.*s" */
#define CONF_TEXT(text) (int)((text).size > 100 ? 100 : (text).size), (text).data

enum { CONF_SCOPES_MAX = 512 };
/* "a,b,c" as "a, b, c", in text[] */
const char *conf_list_scopes(const char *list, char text[CONF_SCOPES_MAX]);

/* Copies into the generation's memory, of the text in lower case and of the name of the span's file. */
const char *conf_keep_lower(struct conf *conf, struct conf_text text);
struct conf_place conf_keep_place(struct conf *conf, struct conf_span span);

#endif
