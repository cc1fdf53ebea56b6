/* text: see text.h. */
#include "confparse/text.h"

enum { SUGGEST_MAX = 63 }; /* longer names get no suggestion */

int conf_text_compare(struct conf_text a, struct conf_text b)
{
    size_t shorter = a.size < b.size ? a.size : b.size;
    int order = shorter ? memcmp(a.data, b.data, shorter) : 0;
    return order ? order : (a.size > b.size) - (a.size < b.size);
}

int conf_text_compare_nocase(struct conf_text a, struct conf_text b)
{
    size_t shorter = a.size < b.size ? a.size : b.size;
    for (size_t i = 0; i < shorter; i++) {
        unsigned char left = (unsigned char)conf_lower(a.data[i]),
                      right = (unsigned char)conf_lower(b.data[i]);
        if (left != right)
            return left < right ? -1 : 1;
    }
    return (a.size > b.size) - (a.size < b.size);
}

bool conf_text_listed(struct conf_text word, const char *list, char separator)
{
    while (list) {
        const char *end = strchr(list, separator);
        size_t size = end ? (size_t)(end - list) : strlen(list);
        if (conf_text_compare_nocase(word, (struct conf_text){list, size}) == 0)
            return true;
        list = end ? end + 1 : NULL;
    }
    return false;
}

static unsigned smaller(unsigned a, unsigned b)
{
    return a < b ? a : b;
}

/* Optimal string alignment distance, case folded, on three rows. */
static unsigned edit_distance(struct conf_text a, struct conf_text b)
{
    unsigned rows[3][SUGGEST_MAX + 1];
    unsigned *before = rows[0], *above = rows[1], *row = rows[2];
    for (unsigned j = 0; j <= b.size; j++)
        above[j] = j;
    for (unsigned i = 1; i <= a.size; i++) {
        row[0] = i;
        for (unsigned j = 1; j <= b.size; j++) {
            char left = conf_lower(a.data[i - 1]), right = conf_lower(b.data[j - 1]);
            row[j] = smaller(smaller(above[j], row[j - 1]) + 1, above[j - 1] + (left != right));
            if (i > 1 && j > 1 && left == conf_lower(b.data[j - 2]) && right == conf_lower(a.data[i - 2]))
                row[j] = smaller(row[j], before[j - 2] + 1);
        }
        unsigned *recycled = before;
        before = above;
        above = row;
        row = recycled;
    }
    return above[b.size];
}

void conf_suggest(struct conf_suggestion *best, struct conf_text word, const char *candidate)
{
    struct conf_text other = conf_text_of(candidate);
    size_t longer = word.size > other.size ? word.size : other.size;
    size_t gap = word.size > other.size ? word.size - other.size : other.size - word.size;
    unsigned limit = longer < 4 ? 0 : longer < 8 ? 1 : longer < 14 ? 2 : 3;
    if (longer > SUGGEST_MAX || gap > limit)
        return;
    unsigned distance = edit_distance(word, other);
    if (distance <= limit && (!best->name || distance < best->distance))
        *best = (struct conf_suggestion){candidate, distance};
}
