/*
 * output: a stream that a command prints to, into memory and up to a limit.
 */
#ifndef IMPULSE_CONTROL_OUTPUT_H
#define IMPULSE_CONTROL_OUTPUT_H

#include <stdio.h>
#include "base/buf.h"

struct output {
    FILE *stream;
    struct buf text;
    size_t limit;
    bool full; /* something did not fit */
};

void output_open(struct output *output, size_t limit);
/* Closes the stream; the text stays, to be released. */
void output_close(struct output *output);

#endif
