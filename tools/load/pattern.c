/*
 * pattern: see pattern.h.
 */
#include "tools/load/pattern.h"

#include <stdio.h>

/* The next [N] of the text, or NULL. */
static const char *find_number(const char *text, uint64_t *numbers, const char **after)
{
    for (const char *open = text; (open = strchr(open, '[')); open++) {
        size_t digits = strspn(open + 1, "0123456789");
        if (digits > 0 && open[1 + digits] == ']' && slice_to_uint(slice_of(open + 1, digits), numbers)) {
            *after = open + digits + 2;
            return open;
        }
    }
    return NULL;
}

const char *pattern_read(struct pattern *pattern, const char *text)
{
    const char *at = text, *open;
    uint64_t numbers = 0, every = 1;
    *pattern = (struct pattern){0};
    for (const char *after; (open = find_number(at, &numbers, &after)); at = after) {
        if (pattern->count == PATTERN_PARTS || numbers == 0 || numbers > 1000000000)
            return "[N] needs a number from 1 to 1000000000, and there are at most eight of them";
        pattern->parts[pattern->count].text = slice_of(at, (size_t)(open - at));
        pattern->parts[pattern->count++].numbers = numbers;
    }
    pattern->parts[pattern->count++].text = slice_text(at);
    for (size_t i = pattern->count - 1; i-- > 0;) {
        pattern->parts[i].every = every;
        if (__builtin_mul_overflow(every, pattern->parts[i].numbers, &every))
            return "it stands for too many addresses";
    }
    return slice_has_control(slice_text(text)) || strchr(text, ' ') ? "it has blanks or control characters"
                                                                    : NULL;
}

uint64_t pattern_count(const struct pattern *pattern)
{
    return pattern->count > 1 ? pattern->parts[0].every * pattern->parts[0].numbers : 1;
}

void pattern_write(const struct pattern *pattern, uint64_t index, struct buf *to)
{
    for (size_t i = 0; i < pattern->count; i++) {
        char digits[24];
        buf_append_slice(to, pattern->parts[i].text);
        if (pattern->parts[i].numbers) {
            uint64_t number = index / pattern->parts[i].every % pattern->parts[i].numbers;
            buf_append(to, digits,
                       (size_t)snprintf(digits, sizeof digits, "%llu", (unsigned long long)number));
        }
    }
}
