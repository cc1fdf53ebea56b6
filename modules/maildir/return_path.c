/*
 * return_path: a filter for messages that come in parts, cut anywhere.
 */
#include "return_path.h"

#include <ctype.h>

/* The first byte of a line: does the field before go on, does the header end, or does a field begin? */
static void begin_line(struct return_path_filter *filter, char byte)
{
    filter->within = true;
    if (byte == ' ' || byte == '\t')
        return;
    filter->behind = byte == '\r' || byte == '\n';
    filter->dropping = false;
    filter->naming = !filter->behind;
}

static int give_held(struct return_path_filter *filter, return_path_put_fn *put, void *argument)
{
    size_t held = filter->held;
    filter->held = 0;
    filter->naming = false;
    return held ? put(argument, filter->bytes, held) : 0;
}

/* A byte of a line whose name is not known yet. */
static int take_name(struct return_path_filter *filter, char byte, return_path_put_fn *put, void *argument)
{
    static const char name[] = "return-path:";
    bool matches = tolower((unsigned char)byte) == name[filter->held];
    filter->bytes[filter->held++] = byte;
    if (!matches)
        return give_held(filter, put, argument);
    if (filter->held == RETURN_PATH_NAME) {
        filter->dropping = true;
        filter->naming = false;
        filter->held = 0;
    }
    return 0;
}

int return_path_filter(struct return_path_filter *filter, const char *data, size_t size,
                       return_path_put_fn *put, void *argument)
{
    int failed = 0;
    for (size_t i = 0; i < size && !failed; i++) {
        if (!filter->within)
            begin_line(filter, data[i]);
        if (filter->behind)
            return put(argument, data + i, size - i);
        if (filter->naming)
            failed = take_name(filter, data[i], put, argument);
        else if (!filter->dropping)
            failed = put(argument, data + i, 1);
        filter->within = data[i] != '\n';
    }
    return failed;
}

int return_path_finish(struct return_path_filter *filter, return_path_put_fn *put, void *argument)
{
    return give_held(filter, put, argument);
}
