/*
 * context: a map of strings that is nearly always empty or tiny, so it is one buffer and a linear search.
 */
#include "message/context.h"

#include "base/mem.h"

struct context_pair { /* offsets into the buffer's unread bytes */
    size_t start, value, end;
};

static bool pair_find(struct slice pairs, const char *name, struct context_pair *pair)
{
    size_t name_size = strlen(name);
    for (size_t at = 0; at < pairs.size; at = pair->end) {
        size_t size = strlen(pairs.data + at);
        pair->start = at;
        pair->value = at + size + 1;
        pair->end = pair->value + strlen(pairs.data + pair->value) + 1;
        if (size == name_size && memcmp(pairs.data + at, name, size) == 0)
            return true;
    }
    return false;
}

/* Puts `size` bytes in the place of those from `start` to `end`. `bytes` may point into the buffer. */
static void splice(struct buf *pairs, size_t start, size_t end, const char *bytes, size_t size)
{
    struct buf whole = {0};
    struct slice old = buf_slice(pairs);
    buf_append(&whole, old.data, start);
    buf_append(&whole, bytes, size);
    buf_append(&whole, old.data + end, old.size - end);
    buf_release(pairs);
    *pairs = whole;
}

bool context_set(struct context *context, const char *name, const char *value)
{
    struct context_pair pair;
    struct slice old = buf_slice(&context->pairs);
    if (!name || !*name)
        return false;
    bool known = pair_find(old, name, &pair);
    if (!value) {
        if (known && pair.end - pair.start == old.size)
            context_clear(context);
        else if (known)
            splice(&context->pairs, pair.start, pair.end, NULL, 0);
        return true;
    }
    size_t name_size = strlen(name) + 1, value_size = strlen(value) + 1;
    size_t kept = old.size - (known ? pair.end - pair.start : 0);
    if (name_size > CONTEXT_LIMIT || value_size > CONTEXT_LIMIT ||
        kept + name_size + value_size > CONTEXT_LIMIT)
        return false;
    if (known && pair.end - pair.value == value_size && memcmp(old.data + pair.value, value, value_size) == 0)
        return true;
    if (known) {
        splice(&context->pairs, pair.value, pair.end, value, value_size);
        return true;
    }
    char *copy =
        mem_copy_text(value, value_size - 1); /* it may point into the buffer that is about to move */
    buf_append(&context->pairs, name, name_size);
    buf_append(&context->pairs, copy, value_size);
    free(copy);
    return true;
}

const char *context_get(const struct context *context, const char *name)
{
    struct context_pair pair;
    struct slice pairs = buf_slice(&context->pairs);
    return name && pair_find(pairs, name, &pair) ? pairs.data + pair.value : NULL;
}

void context_clear(struct context *context)
{
    buf_release(&context->pairs);
}

struct slice context_pairs(const struct context *context)
{
    return buf_slice(&context->pairs);
}

static void format_value(struct slice value, struct buf *out)
{
    bool quoted = false;
    for (size_t i = 0; i < value.size && !quoted; i++)
        quoted = strchr(" ,\"\\]", value.data[i]) != NULL;
    if (!quoted) {
        buf_append_slice(out, value);
        return;
    }
    buf_append(out, "\"", 1);
    for (size_t i = 0; i < value.size; i++) {
        if (value.data[i] == '"' || value.data[i] == '\\')
            buf_append(out, "\\", 1);
        buf_append(out, value.data + i, 1);
    }
    buf_append(out, "\"", 1);
}

void context_format(struct slice pairs, struct buf *out)
{
    struct slice name, value;
    for (bool first = true; slice_next(&pairs, '\0', &name); first = false) {
        if (!slice_next(&pairs, '\0', &value))
            value = slice_of("", 0);
        if (!first)
            buf_append(out, ",", 1);
        buf_append_slice(out, name);
        buf_append(out, "=", 1);
        format_value(value, out);
    }
}
