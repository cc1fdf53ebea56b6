/*
 * loader: what the steps of one load share. Files are parsed into one tree (parse.c, include.c), which is
 * then checked and turned into scopes (build.c). One thread.
 */
#ifndef IMPULSE_CONFPARSE_LOADER_H
#define IMPULSE_CONFPARSE_LOADER_H

#include "confparse/ast.h"
#include "confparse/memory.h"
#include "confparse/report.h"

enum {
    CONF_NESTING_MAX = 32,  /* stanzas in stanzas */
    CONF_BRACKETS_MAX = 16, /* lists and dictionaries in each other */
    CONF_INCLUDE_MAX = 32,  /* files in files */
    CONF_FILES_MAX = 10000, /* files of one load, each inclusion counted */
};

struct conf_loader {
    const struct conf_load_options *options; /* never NULL */
    struct conf_report *report;
    /* What the parser does with an include statement: conf_include, which parses in its turn. */
    void (*include)(struct conf_loader *loader, struct conf_text path, struct conf_span span,
                    struct ast_stanza *stanza, unsigned depth);
    struct conf_arena arena; /* of the syntax tree */
    size_t files;
    unsigned include_depth;
};

struct ast_stanza *conf_ast_stanza(struct conf_loader *loader);

/* Parses `source` as the content of `stanza`, which stands `depth` deep. Errors go to the report. */
void conf_parse(struct conf_loader *loader, const struct conf_source *source, struct ast_stanza *stanza,
                unsigned depth);

/* Parses the file or directory that an include at `span` names as more content of `stanza`. */
void conf_include(struct conf_loader *loader, struct conf_text path, struct conf_span span,
                  struct ast_stanza *stanza, unsigned depth);
/* Parses the file that Local_Changes_File names, if it exists, as the end of the main file. */
void conf_include_local_changes(struct conf_loader *loader, struct ast_stanza *root);
/* Opens `path` for the main file or for `includer` and hands it to the report. NULL with errno set. */
struct conf_source *conf_open_source(struct conf_loader *loader, const char *path,
                                     const struct conf_source *includer);

#endif
