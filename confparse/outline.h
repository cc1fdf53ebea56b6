/*
 * outline: the syntax of a set of files, to see where in their texts a change belongs.
 *
 * A scope is the sum of its stanzas, and a stanza of what stands between its braces and of the files that are
 * included there. Each such piece is a fragment: the end of it is a place where something can be added to the
 * scope. Source: Momentum 4 manual, "Using the include and readonly_include Directives". One thread.
 */
#ifndef IMPULSE_CONFPARSE_OUTLINE_H
#define IMPULSE_CONFPARSE_OUTLINE_H

#include "confparse/ast.h"
#include "confparse/file_set.h"

struct conf_outline;

/* Parses a set whose texts make a generation, or none at all, and takes a reference to it. */
struct conf_outline *conf_outline_create(const struct conf_files *files);
void conf_outline_free(struct conf_outline *outline); /* NULL is harmless */
const struct conf_files *conf_outline_files(const struct conf_outline *outline);

/* ---- places -------------------------------------------------------------------------------------------- */

struct conf_spot { /* between two bytes of a file, where it is included */
    const struct conf_source *source;
    size_t offset;
};

/* Is `a` read after `b`? */
bool conf_spot_after(struct conf_spot a, struct conf_spot b);

/* ---- scopes -------------------------------------------------------------------------------------------- */

struct conf_link { /* a scope in its parent */
    const char *kind, *name;
    bool any_name; /* of a module that is there once: a name means nothing */
};

struct conf_stanzas { /* zero-initialised is empty */
    const struct ast_stanza **at;
    size_t count, capacity;
};

/* The stanzas of the scope that `count` links lead to from the global one, in order of reading. */
void conf_outline_find(struct conf_outline *outline, const struct conf_link *links, size_t count,
                       struct conf_stanzas *found);
void conf_stanzas_free(struct conf_stanzas *stanzas);

struct conf_fragment {
    const struct ast_stanza *stanza;
    struct conf_spot end; /* before its '}' or at the end of the file */
};

/*
 * Calls `visit` for the fragments of these stanzas in the order in which they begin, until it returns false.
 */
void conf_outline_fragments(const struct conf_outline *outline, const struct conf_stanzas *stanzas,
                            bool (*visit)(const struct conf_fragment *fragment, void *argument),
                            void *argument);

/* The include statements, in order of reading. */
const struct ast_inclusion *conf_outline_inclusions(const struct conf_outline *outline);
/* The files as often as they are read, in order of reading, linked by `next`. */
const struct conf_source *conf_outline_sources(const struct conf_outline *outline);

#endif
