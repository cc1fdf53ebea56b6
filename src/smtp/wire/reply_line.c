/*
 * reply_line: parses a server's replies.
 */
#include "smtp/wire/reply_line.h"

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* Returns the code of a line of `size` bytes without its line end; 0 if it has none. */
static unsigned line_code(const char *line, size_t size)
{
    if (size < 3 || line[0] < '2' || line[0] > '5' || !is_digit(line[1]) || !is_digit(line[2]))
        return 0;
    return (unsigned)(line[0] - '0') * 100 + (unsigned)(line[1] - '0') * 10 + (unsigned)(line[2] - '0');
}

enum reply_status reply_parse(struct slice input, struct wire_reply *reply)
{
    size_t at = 0;
    for (unsigned lines = 0; lines < REPLY_LINES && at < REPLY_BYTES; lines++) {
        const char *line = input.data + at;
        const char *end = at < input.size ? memchr(line, '\n', input.size - at) : NULL;
        if (!end)
            return input.size < REPLY_BYTES ? REPLY_MORE : REPLY_BAD;
        size_t size = (size_t)(end - line);
        unsigned code = line_code(line, size);
        if (code == 0)
            return REPLY_BAD;
        at += size + 1;
        if (size > 3 && line[3] == '-')
            continue;
        *reply = (struct wire_reply){code, slice_of(input.data, at)};
        return REPLY_DONE;
    }
    return REPLY_BAD;
}

bool reply_next_line(struct slice *rest, struct slice *line)
{
    if (!slice_next(rest, '\n', line))
        return false;
    if (line->size > 0 && line->data[line->size - 1] == '\r')
        line->size--;
    size_t prefix = line->size > 3 && (line->data[3] == ' ' || line->data[3] == '-') ? 4 : 3;
    if (prefix > line->size)
        prefix = line->size;
    line->data += prefix;
    line->size -= prefix;
    return true;
}

size_t reply_join(const struct wire_reply *reply, char *line, size_t size)
{
    size_t length = 0;
    struct slice rest = reply->text, part;
    for (size_t i = 0; i < 3 && length < size; i++)
        line[length++] = reply->text.data[i];
    while (reply_next_line(&rest, &part)) {
        if (part.size && length < size)
            line[length++] = ' ';
        for (size_t i = 0; i < part.size && length < size; i++)
            line[length++] = part.data[i] < ' ' && part.data[i] >= 0 ? ' ' : part.data[i];
    }
    return length;
}
