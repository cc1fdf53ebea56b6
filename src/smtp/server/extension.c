/* extension: see extension.h. */
#include "smtp/server/extension.h"

#include "base/mem.h"
#include "base/slice.h"
#include "smtp/server/smtps_verb.h"

static const struct extension extensions[] = {
    {"PIPELINING", EXTENSION_PIPELINING, EXTENSION_ALWAYS, 0,
     "commands may be sent without waiting for replies (RFC 2920)"},
    {"8BITMIME", EXTENSION_8BITMIME, EXTENSION_ALWAYS, 0, "content may have 8-bit bytes (RFC 6152)"},
    {"ENHANCEDSTATUSCODES", EXTENSION_ENHANCEDSTATUSCODES, EXTENSION_BY_DEFAULT, 0,
     "replies have enhanced codes (RFC 2034)"},
    {"STARTTLS", EXTENSION_STARTTLS, EXTENSION_WHEN_NAMED, 0, "the connection can be encrypted (RFC 3207)"},
    {"AUTH", EXTENSION_AUTH, EXTENSION_WHEN_NAMED, 0, "clients can log in (RFC 4954)"},
    {"SMTPUTF8", EXTENSION_SMTPUTF8, EXTENSION_WHEN_NAMED, 0,
     "addresses and header fields may be UTF-8 (RFC 6531)"},
    {"DSN", EXTENSION_DSN, EXTENSION_WHEN_NAMED, 0, "senders choose which notifications they get (RFC 3461)"},
    {"CHUNKING", EXTENSION_CHUNKING, EXTENSION_WHEN_NAMED, 0,
     "content may be sent in parts with BDAT (RFC 3030)"},
    {"BINARYMIME", EXTENSION_BINARYMIME, EXTENSION_WHEN_NAMED, EXTENSION_CHUNKING,
     "content may be binary (RFC 3030)"},
    {"REQUIRETLS", EXTENSION_REQUIRETLS, EXTENSION_WHEN_NAMED, 0,
     "a message may require TLS on its whole way (RFC 8689)"},
    {"LIMITS", EXTENSION_LIMITS, EXTENSION_WHEN_NAMED, 0, "the limits of a session are announced (RFC 9422)"},
    {"XCLIENT", EXTENSION_XCLIENT, EXTENSION_WHEN_NAMED, 0, "a trusted client may stand in for another one"},
    {"XREMOTEIP", EXTENSION_XREMOTEIP, EXTENSION_WHEN_NAMED, 0,
     "a trusted client may give its client's address"},
    {"XSETCONTEXT", EXTENSION_XSETCONTEXT, EXTENSION_WHEN_NAMED, 0,
     "a trusted client may set pairs of contexts"},
    {"XDUMPCONTEXT", EXTENSION_XDUMPCONTEXT, EXTENSION_WHEN_NAMED, 0,
     "a trusted client may see the contexts"},
    {"SIZE", EXTENSION_SIZE, EXTENSION_ALWAYS, 0, "the size of a message may be declared (RFC 1870)"},
};

/* The keywords that modules have declared since the start; the n-th has the bit EXTENSION_FIRST_OF_MODULES <<
 * n. */
enum { DECLARED_MAX = 15 };
static struct extension declared[DECLARED_MAX];
static size_t declared_count;

static struct registry core = {.kind = "SMTP extension"};

enum { EXTENSION_COUNT = sizeof extensions / sizeof *extensions };

const struct extension *extension_at(size_t index)
{
    return index < EXTENSION_COUNT ? &extensions[index] : NULL;
}

void extensions_register(void)
{
    char error[256];
    for (size_t i = 0; i < EXTENSION_COUNT; i++) {
        struct registry_row row = {.name = extensions[i].keyword,
                                   .owner = "the SMTP server",
                                   .help = extensions[i].help,
                                   .thread = SMTPS_THREAD,
                                   .what = &extensions[i]};
        registry_add(&core, &row, error, sizeof error);
    }
}

const struct registry *extensions_core(void)
{
    return &core;
}

static const struct extension *find_declared(struct slice keyword)
{
    for (size_t i = 0; i < declared_count; i++)
        if (slice_equal_nocase(keyword, slice_text(declared[i].keyword)))
            return &declared[i];
    return NULL;
}

unsigned extension_declare(struct slice keyword)
{
    const struct extension *known = find_declared(keyword);
    if (known || declared_count == DECLARED_MAX)
        return known ? known->bit : 0;
    declared[declared_count] = (struct extension){
        .keyword = mem_copy_text(keyword.data, keyword.size),
        .bit = (unsigned)EXTENSION_FIRST_OF_MODULES << declared_count,
        .rule = EXTENSION_WHEN_NAMED,
    };
    return declared[declared_count++].bit;
}

const struct extension *extension_find(const char *item)
{
    struct slice word = slice_of(item, strcspn(item, " \t="));
    if (slice_equal_nocase(word, SLICE_LITERAL("ENHANCEDSTATUSCODE"))) /* found once in Momentum's manual */
        word = SLICE_LITERAL("ENHANCEDSTATUSCODES");
    for (size_t i = 0; i < EXTENSION_COUNT; i++)
        if (slice_equal_nocase(word, slice_text(extensions[i].keyword)))
            return &extensions[i];
    return find_declared(word);
}

static unsigned bits_without_naming(enum extension_rule rule)
{
    unsigned bits = 0;
    for (size_t i = 0; i < EXTENSION_COUNT; i++)
        if (extensions[i].rule <= rule)
            bits |= extensions[i].bit;
    return bits;
}

unsigned extensions_resolve(const char *const *names, size_t count)
{
    unsigned bits = bits_without_naming(EXTENSION_ALWAYS);
    for (size_t i = 0; i < count; i++) {
        const struct extension *extension = extension_find(names[i]);
        bits |= extension ? extension->bit : 0;
    }
    for (size_t i = 0; i < EXTENSION_COUNT; i++)
        if (extensions[i].needs & ~bits)
            bits &= ~extensions[i].bit;
    return bits;
}

unsigned extensions_default(void)
{
    return bits_without_naming(EXTENSION_BY_DEFAULT);
}
