/*
 * ast: what the files say, before any of it is checked against the schema.
 *
 * Nodes live in the loader's arena and point into the sources. Includes are already in place: a stanza holds
 * what an included file contributed to it as if it were written there, in that order.
 */
#ifndef IMPULSE_CONFPARSE_AST_H
#define IMPULSE_CONFPARSE_AST_H

#include "confparse/source.h"

enum ast_shape { AST_SCALAR, AST_LIST, AST_DICT };

struct ast_value {
    unsigned char shape; /* an enum ast_shape */
    bool equals;         /* it stands after an '=' */
    unsigned end;        /* offset after its last byte, in span.source */
    struct conf_span span;
    struct conf_text text;          /* SCALAR: escapes resolved, NUL-free */
    struct ast_value *first, *last; /* LIST and DICT: the items */
    struct ast_value *next;         /* in the list or dictionary that holds it */
    struct conf_text key;           /* in a dictionary */
    size_t count;                   /* of items */
};

struct ast_assignment {
    struct ast_assignment *next;
    struct conf_text name;
    struct conf_span span; /* of the name */
    struct ast_value *value;
};

struct ast_stanza {
    struct ast_stanza *next;
    struct conf_text kind, name; /* name: empty when there is none */
    struct conf_span kind_span, name_span;
    bool named;
    unsigned end; /* offset of its '}' in kind_span.source */
    struct ast_assignment *assignments, **last_assignment;
    struct ast_stanza *stanzas, **last_stanza;
    size_t stanza_count;
};

struct ast_inclusion { /* an include statement, or what has a file read without one */
    struct ast_inclusion *next;
    struct ast_stanza *stanza; /* what the content of the file is part of */
    struct conf_text name;
    struct conf_span span; /* of the name */
    unsigned begin, end;   /* offsets of the statement in span.source */
    bool read_only;        /* readonly_include */
    bool at_end;           /* no statement: the file is read after all that was read before */
};

#endif
