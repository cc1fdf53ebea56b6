/* extension: see extension.h. */
#include "smtp/extension.h"

#include "base/slice.h"

static const struct extension extensions[] = {
    {"PIPELINING", EXTENSION_PIPELINING, EXTENSION_ALWAYS, 0},                       /* RFC 2920 */
    {"8BITMIME", EXTENSION_8BITMIME, EXTENSION_ALWAYS, 0},                           /* RFC 6152 */
    {"ENHANCEDSTATUSCODES", EXTENSION_ENHANCEDSTATUSCODES, EXTENSION_BY_DEFAULT, 0}, /* RFC 2034 */
    {"STARTTLS", EXTENSION_STARTTLS, EXTENSION_WHEN_NAMED, 0},                       /* RFC 3207 */
    {"AUTH", EXTENSION_AUTH, EXTENSION_WHEN_NAMED, 0},                               /* RFC 4954 */
    {"SMTPUTF8", EXTENSION_SMTPUTF8, EXTENSION_WHEN_NAMED, 0},                       /* RFC 6531 */
    {"DSN", EXTENSION_DSN, EXTENSION_WHEN_NAMED, 0},                                 /* RFC 3461 */
    {"CHUNKING", EXTENSION_CHUNKING, EXTENSION_WHEN_NAMED, 0},                       /* RFC 3030 */
    {"BINARYMIME", EXTENSION_BINARYMIME, EXTENSION_WHEN_NAMED, EXTENSION_CHUNKING},  /* RFC 3030 */
    {"REQUIRETLS", EXTENSION_REQUIRETLS, EXTENSION_WHEN_NAMED, 0},                   /* RFC 8689 */
    {"LIMITS", EXTENSION_LIMITS, EXTENSION_WHEN_NAMED, 0},                           /* RFC 9422 */
    {"XCLIENT", EXTENSION_XCLIENT, EXTENSION_WHEN_NAMED, 0},
    {"XREMOTEIP", EXTENSION_XREMOTEIP, EXTENSION_WHEN_NAMED, 0},
    {"XSETCONTEXT", EXTENSION_XSETCONTEXT, EXTENSION_WHEN_NAMED, 0},
    {"XDUMPCONTEXT", EXTENSION_XDUMPCONTEXT, EXTENSION_WHEN_NAMED, 0},
    {"SIZE", EXTENSION_SIZE, EXTENSION_ALWAYS, 0}, /* RFC 1870 */
};

enum { EXTENSION_COUNT = sizeof extensions / sizeof *extensions };

const struct extension *extension_at(size_t index)
{
    return index < EXTENSION_COUNT ? &extensions[index] : NULL;
}

static bool is_named(const struct extension *extension, const char *const *names, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct slice word = slice_of(names[i], strcspn(names[i], " \t="));
        if (slice_equal_nocase(word, slice_text(extension->keyword)))
            return true;
    }
    return false;
}

unsigned extensions_resolve(const char *const *names, size_t count)
{
    unsigned bits = 0;
    for (size_t i = 0; i < EXTENSION_COUNT; i++)
        if (extensions[i].rule == EXTENSION_ALWAYS || is_named(&extensions[i], names, count))
            bits |= extensions[i].bit;
    for (size_t i = 0; i < EXTENSION_COUNT; i++)
        if (extensions[i].needs & ~bits)
            bits &= ~extensions[i].bit;
    return bits;
}

unsigned extensions_default(void)
{
    unsigned bits = 0;
    for (size_t i = 0; i < EXTENSION_COUNT; i++)
        if (extensions[i].rule != EXTENSION_WHEN_NAMED)
            bits |= extensions[i].bit;
    return bits;
}
