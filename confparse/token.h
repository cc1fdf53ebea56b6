/* token: one word, string or mark of a source. */
#ifndef IMPULSE_CONFPARSE_TOKEN_H
#define IMPULSE_CONFPARSE_TOKEN_H

#include "confparse/source.h"

struct conf_token {
    int kind; /* of the grammar's tokens */
    bool first_on_line;
    struct conf_text text; /* of a word or a string, escapes resolved */
    struct conf_span span;
    unsigned end; /* offset after its last byte */
};

#endif
