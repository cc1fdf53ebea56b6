/*
 * source: the text of one file while it is loaded and reported on, and places in it.
 *
 * Sources belong to the report of their load, so that a diagnostic made later can still show its line. One
 * thread.
 */
#ifndef IMPULSE_CONFPARSE_SOURCE_H
#define IMPULSE_CONFPARSE_SOURCE_H

#include <sys/types.h>
#include "confparse/confparse.h"
#include "confparse/text.h"

enum { CONF_SOURCE_MAX = 512 * 1024 * 1024 }; /* bytes; a larger file is refused */

struct conf_source {
    struct conf_source *next;           /* in order of opening */
    const struct conf_source *includer; /* NULL for the main file */
    char *name;                         /* as diagnostics show it */
    const char *kept_name;              /* the same in the generation's memory, or NULL */
    char *text;                         /* followed by a NUL */
    size_t size;
    unsigned order; /* 0 for the main file, then in order of opening */
    dev_t device;   /* with inode: the same file under another name; both 0 for a text from memory */
    ino_t inode;
    size_t *lines; /* offset of each line, made when first asked for */
    size_t line_count;
};

struct conf_span { /* some bytes of one line */
    const struct conf_source *source;
    unsigned line, column; /* from 1; line 0: the source as a whole */
    unsigned width;        /* bytes */
};

/* A source with a copy of the text; owned by the caller. */
struct conf_source *conf_source_from_text(const char *name, const char *text, size_t size);
/* Reads a whole file. NULL with errno set: as open and read say, EISDIR, or EFBIG. */
struct conf_source *conf_source_read(const char *path);
void conf_source_free(struct conf_source *source);

/* Line number `line` (from 1) without its end of line; empty when there is no such line. */
struct conf_text conf_source_line(struct conf_source *source, unsigned line);

#endif
