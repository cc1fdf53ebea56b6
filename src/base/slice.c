/*
 * slice: comparing, splitting and matching counted byte strings. Called from any thread; allocates nothing.
 */
#include "base/slice.h"

bool slice_equal_nocase(struct slice a, struct slice b)
{
    return a.size == b.size && slice_starts_nocase(a, b);
}

bool slice_starts_nocase(struct slice s, struct slice part)
{
    if (s.size < part.size)
        return false;
    for (size_t i = 0; i < part.size; i++)
        if (ascii_lower(s.data[i]) != ascii_lower(part.data[i]))
            return false;
    return true;
}

bool slice_ends_nocase(struct slice s, struct slice part)
{
    if (s.size < part.size)
        return false;
    return slice_starts_nocase(slice_of(s.data + (s.size - part.size), part.size), part);
}

int slice_compare_nocase(struct slice a, struct slice b)
{
    size_t common = a.size < b.size ? a.size : b.size;
    for (size_t i = 0; i < common; i++) {
        unsigned char x = (unsigned char)ascii_lower(a.data[i]), y = (unsigned char)ascii_lower(b.data[i]);
        if (x != y)
            return x < y ? -1 : 1;
    }
    return a.size == b.size ? 0 : a.size < b.size ? -1 : 1;
}

struct slice slice_trim(struct slice s)
{
    while (s.size > 0 && ascii_is_blank(s.data[0]))
        s.data++, s.size--;
    while (s.size > 0 && ascii_is_blank(s.data[s.size - 1]))
        s.size--;
    return s;
}

bool slice_next(struct slice *rest, char separator, struct slice *part)
{
    if (rest->size == 0)
        return false;
    const char *end = memchr(rest->data, separator, rest->size);
    size_t size = end ? (size_t)(end - rest->data) : rest->size;
    *part = slice_of(rest->data, size);
    size_t used = end ? size + 1 : size;
    *rest = slice_of(rest->data + used, rest->size - used);
    return true;
}

bool slice_to_uint(struct slice s, uint64_t *value)
{
    if (s.size == 0 || s.size > 19)
        return false;
    uint64_t sum = 0;
    for (size_t i = 0; i < s.size; i++) {
        if (s.data[i] < '0' || s.data[i] > '9')
            return false;
        sum = sum * 10 + (uint64_t)(s.data[i] - '0');
    }
    *value = sum;
    return true;
}

bool slice_match_left_glob(struct slice domain, struct slice pattern)
{
    if (pattern.size > 0 && pattern.data[0] == '*')
        return slice_ends_nocase(domain, slice_of(pattern.data + 1, pattern.size - 1));
    return slice_equal_nocase(domain, pattern);
}

size_t slice_copy_printable(char *to, size_t size, struct slice text)
{
    size_t length = text.size < size - 1 ? text.size : size - 1;
    for (size_t i = 0; i < length; i++)
        to[i] = ascii_printable(text.data[i]);
    to[length] = '\0';
    return length;
}

bool slice_has_control(struct slice s)
{
    for (size_t i = 0; i < s.size; i++)
        if (ascii_is_control(s.data[i]))
            return true;
    return false;
}
