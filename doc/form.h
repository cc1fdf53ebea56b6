/*
 * form: the two forms that the option reference is written in, Markdown and mdoc. A reference is sections of
 * entries; an entry is a name and items, each a line of text in pieces. For doc/reference.c.
 */
#ifndef IMPULSE_DOC_FORM_H
#define IMPULSE_DOC_FORM_H

#include <stdio.h>

struct form {
    const char *head; /* of the whole document */
    const char *section_begin, *section_end;
    const char *entries_begin, *entries_end; /* around the entries of a section */
    const char *entry_begin, *entry_end;     /* around the name */
    const char *item_begin, *item_end;
    const char *code_begin, *code_end; /* around words that are written so in a file */
    void (*put_title)(const char *text, FILE *out);
    void (*put_text)(const char *text, FILE *out);
    void (*put_code)(const char *text, FILE *out);
};

extern const struct form form_markdown, form_mdoc;

#endif
