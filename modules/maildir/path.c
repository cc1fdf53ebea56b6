/*
 * path: expanding a maildir's path. Recipients come from the network: their bytes are names, never path
 * syntax.
 */
#include "path.h"

#include <string.h>

bool maildir_path_check(const char *template, size_t *fixed, const char **wrong)
{
    *wrong = template;
    if (template[0] != '/')
        return false;
    const char *slash = template + strlen(template);
    bool percent_seen = false;
    for (const char *at = template; *at; at++) {
        if (*at == '/' && !percent_seen)
            slash = at;
        if (*at != '%')
            continue;
        *wrong = at;
        if (!at[1] || !strchr("dlr%", at[1]))
            return false;
        percent_seen = true;
        at++;
    }
    *fixed = (size_t)(slash - template);
    return true;
}

struct target {
    char *at, *end; /* one byte before the end is kept for the NUL */
    bool full;
};

static void put(struct target *target, char c)
{
    if (target->at == target->end)
        target->full = true;
    else
        *target->at++ = c;
}

static bool must_encode(const char *value, size_t i)
{
    unsigned char c = (unsigned char)value[i];
    return c == '%' || c == '/' || c < ' ' || c == 127 || (c == '.' && i == 0);
}

static void put_value(struct target *target, const char *value, size_t size, bool lowercase)
{
    static const char hex[] = "0123456789ABCDEF";
    if (size == 0)
        put(target, '%');
    for (size_t i = 0; i < size; i++) {
        char c = value[i];
        if (must_encode(value, i)) {
            put(target, '%');
            put(target, hex[(unsigned char)c >> 4]);
            put(target, hex[c & 15]);
        } else {
            put(target, lowercase && c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c);
        }
    }
}

bool maildir_path_expand(const char *template, const char *recipient, const char *domain, bool lowercase,
                         char *path, size_t size)
{
    struct target target = {path, path + size - 1, false};
    const char *at_sign = strrchr(recipient, '@');
    size_t local_size = at_sign ? (size_t)(at_sign - recipient) : strlen(recipient);
    for (const char *at = template; *at; at++) {
        if (*at != '%') {
            put(&target, *at);
            continue;
        }
        switch (*++at) {
        case 'd':
            put_value(&target, domain, strlen(domain), true);
            break;
        case 'l':
            put_value(&target, recipient, local_size, lowercase);
            break;
        case 'r':
            put_value(&target, recipient, strlen(recipient), lowercase);
            break;
        default:
            put(&target, '%');
        }
    }
    *target.at = '\0';
    return !target.full;
}
