/*
 * source: the text of one file while it is loaded and reported on, and places in it.
 *
 * Sources belong to the report of their load, so that a diagnostic made later can still show its line. One
 * thread.
 */
#ifndef IMPULSE_CONFPARSE_SOURCE_H
#define IMPULSE_CONFPARSE_SOURCE_H

#include <stdatomic.h>
#include <sys/types.h>
#include "confparse/confparse.h"
#include "confparse/text.h"

enum { CONF_SOURCE_MAX = 512 * 1024 * 1024 }; /* bytes; a larger file is refused */

/* What a file holds. Never changed once it is made; shared by count, from any thread. */
struct conf_content {
    atomic_uint references;
    size_t size;
    dev_t device; /* with inode: the file it was read from; both 0 for a text from memory */
    ino_t inode;
    char text[]; /* followed by a NUL */
};

struct ast_inclusion;

struct conf_source {
    struct conf_source *next;              /* in order of opening */
    const struct conf_source *includer;    /* NULL for the main file */
    const struct ast_inclusion *inclusion; /* the statement that named it; NULL for the main file */
    char *name;                            /* as diagnostics show it */
    const char *kept_name;                 /* the same in the generation's memory, or NULL */
    struct conf_content *content;          /* a reference */
    const char *text;                      /* of the content */
    size_t size;
    unsigned order; /* 0 for the main file, then in order of opening */
    size_t *lines;  /* offset of each line, made when first asked for */
    size_t line_count;
};

struct conf_span { /* some bytes of one line */
    const struct conf_source *source;
    unsigned line, column; /* from 1; line 0: the source as a whole */
    unsigned width;        /* bytes */
    unsigned offset;       /* of the first byte in the source; a CONF_SOURCE_MAX fits */
};

/* A content with a copy of the text and one reference. */
struct conf_content *conf_content_create(const char *text, size_t size);
enum conf_reading {
    CONF_READ_FILES,   /* nothing but regular files, from which a read never waits */
    CONF_READ_STREAMS, /* pipes and the like as well: waits until their writers are done */
};
/* Reads a whole file. NULL with errno set: as open and read say, EISDIR, EFBIG, or EINVAL: it is no file. */
struct conf_content *conf_content_read(const char *path, enum conf_reading reading);
struct conf_content *conf_content_ref(struct conf_content *content);
void conf_content_unref(struct conf_content *content); /* NULL is harmless */
bool conf_content_same(const struct conf_content *a, const struct conf_content *b);

/* A source of a content, whose reference it takes; owned by the caller. */
struct conf_source *conf_source_create(const char *name, struct conf_content *content);
void conf_source_free(struct conf_source *source);

/* Line number `line` (from 1) without its end of line; empty when there is no such line. */
struct conf_text conf_source_line(struct conf_source *source, unsigned line);

#endif
