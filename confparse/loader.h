/*
 * loader: what the steps of one load share. Files are parsed into one tree (parse.c, include.c), which is
 * then checked and turned into scopes (build.c). One thread.
 */
#ifndef IMPULSE_CONFPARSE_LOADER_H
#define IMPULSE_CONFPARSE_LOADER_H

#include "confparse/ast.h"
#include "confparse/files.h"
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
    void (*include)(struct conf_loader *loader, const struct ast_inclusion *inclusion, unsigned depth);
    struct conf_arena arena;                            /* of the syntax tree */
    struct ast_inclusion *inclusions, **last_inclusion; /* in order of reading */
    const struct conf_files *given; /* whose texts are read instead of the disk's, or NULL */
    struct conf_files *files;       /* what is read, for the generation */
    size_t file_count;              /* inclusions */
    unsigned include_depth;
    bool statement; /* what is loaded is no configuration: see conf_load_statement */
};

struct ast_stanza *conf_ast_stanza(struct conf_loader *loader);
struct ast_inclusion *conf_ast_inclusion(struct conf_loader *loader, struct ast_stanza *stanza,
                                         struct conf_span span);

/* Parses `source` as the content of `stanza`, which stands `depth` deep. Errors go to the report. */
void conf_parse(struct conf_loader *loader, const struct conf_source *source, struct ast_stanza *stanza,
                unsigned depth);

/* Parses the file or directory that an include statement names as more content of its stanza. */
void conf_include(struct conf_loader *loader, const struct ast_inclusion *inclusion, unsigned depth);
/* Parses the given set's virtual file, if there is one, as the end of the main file. */
void conf_include_virtual(struct conf_loader *loader, struct ast_stanza *root);
/* Parses the file that Local_Changes_File names, if it exists, as the end of the main file. */
void conf_include_local_changes(struct conf_loader *loader, struct ast_stanza *root);
/*
 * Loads a text for what stands in it: no other file is read, and nothing is asked of a configuration as a
 * whole. The generation has no number.
 */
struct conf *conf_load_statement(const char *text, size_t size, const struct conf_load_options *options,
                                 struct conf_report **report);
/* Opens the main file and hands it to the report. NULL with errno set. */
struct conf_source *conf_open_main(struct conf_loader *loader, const char *path);
/* The same for a text from memory, which is copied. */
struct conf_source *conf_open_text(struct conf_loader *loader, const char *name, const char *text,
                                   size_t size);

#endif
