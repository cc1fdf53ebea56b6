/*
 * output: what a command prints.
 */
#include "control/output.h"

#include <stdlib.h>

/* Says that all was taken: a stream that failed would be tried again with every byte. */
static ssize_t take(void *closure, const char *data, size_t size)
{
    struct output *output = closure;
    size_t room = output->limit - buf_size(&output->text);
    output->full = output->full || size > room;
    if (!output->full)
        buf_append(&output->text, data, size);
    return (ssize_t)size;
}

void output_open(struct output *output, size_t limit)
{
    *output = (struct output){.limit = limit};
    output->stream = fopencookie(output, "w", (cookie_io_functions_t){.write = take});
    if (!output->stream)
        abort(); /* out of memory, as mem_* would have it */
}

void output_close(struct output *output)
{
    fclose(output->stream);
    output->stream = NULL;
}
