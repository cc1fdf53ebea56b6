/*
 * scope: the inside of a generation. Built by build.c, then never changed but for the match cache; read
 * through confparse.h.
 *
 * Everything is in the generation's arena but the compiled regular expressions, which the last conf_unref
 * frees.
 */
#ifndef IMPULSE_CONFPARSE_SCOPE_H
#define IMPULSE_CONFPARSE_SCOPE_H

#include <stdatomic.h>
#include "confparse/added.h"
#include "confparse/confparse.h"
#include "confparse/memory.h"
#include "confparse/text.h"

struct conf_entry {   /* an option that a scope sets */
    const char *name; /* lower case */
    struct conf_value value;
};

struct conf_blocks { /* the Peers, or the Vias, of a container */
    struct conf_named_block {
        uint8_t address[16]; /* bits beyond the prefix are zero */
        unsigned bits;
        const struct conf_scope *scope;
    } * items; /* longest prefix first, then by address */
    size_t count;
};

struct conf_index { /* what a container's children are looked up by, besides their names */
    struct conf_blocks peers, vias;
    const struct conf_scope **domains; /* those named by a regular expression, in order of the file */
    size_t domain_count;
};

struct conf_grouped { /* a scope that stands in a group */
    const struct conf_scope *scope;
    size_t order; /* of the group in the file */
};

struct conf_nested { /* all of one kind, by key, then order */
    struct conf_grouped *scopes;
    size_t count;
};

struct conf_kind { /* the children of one kind */
    const char *name;
    struct conf_scope *first; /* the others by next_of_kind */
};

struct conf_scope {
    const char *kind, *name;
    const char *key; /* what `name` is compared by: folded to lower case, or a Peer's block in one spelling */
    struct conf_place place;
    const struct conf_scope *parent;
    struct conf_scope *next, *first; /* sibling and child in order of first appearance */
    struct conf_scope *next_of_kind; /* the next sibling of the same kind */
    struct conf_kind *kinds;         /* of the children, in order of name */
    size_t kind_count;
    const struct conf_scope **sorted; /* the children by kind, then key */
    size_t child_count;
    const struct conf_name_index *names; /* of `sorted`; NULL when it is short */
    struct conf_entry *entries;          /* by name */
    size_t entry_count;
    const struct conf_module *module; /* whose options stand here, or NULL */
    const struct conf_documented
        *documented;                /* a module that is not here, whose options stand here, or NULL */
    const char *path;               /* then, and of a module: of the stanza in it (documented.h, added.h) */
    const struct conf_index *index; /* NULL when there is nothing to index */
    void *pattern;                  /* a pcre2_code when the name is a regular expression, else NULL */
};

struct conf_global { /* the global scope, from which a scope finds its generation */
    struct conf_scope scope;
    const struct conf *conf;
};

struct conf_files;

struct conf {
    struct conf_arena arena;
    atomic_uint references;
    unsigned generation;
    struct conf_scope *root;
    struct conf_value *defaults; /* one for each row of options.def; type CONF_SCOPE where there is none */
    bool *is_set;                /* one for each of these rows: does any scope set it? */
    struct conf_module *modules;
    size_t module_count;
    struct conf_added *added; /* of all modules, in order of name */
    size_t added_count;
    struct conf_nested grouped_bindings, grouped_pathways;
    struct conf_files *files; /* what it was made of */
    void **patterns;          /* every pcre2_code, for freeing */
    size_t pattern_count, pattern_capacity;
    struct conf_match_cache *matches; /* which patterns match a name; NULL when there are none */
};

/* As conf_scope_option, of a text that is not NUL-terminated. */
const struct conf_option *conf_scope_row(const struct conf_scope *scope, struct conf_text name);

/* The default of a row of options.def, or NULL. */
const struct conf_value *conf_default_of(const struct conf *conf, const struct conf_option *row);
/* The default of options.def, or of an option that a module adds, or NULL. `option` is case-insensitive. */
const struct conf_value *conf_default_value(const struct conf *conf, const char *option);

#endif
